package iam

import (
	"strconv"

	"muster/internal/awsmodel"
)

// defaultPage is how many items a page has when the caller does not say.
const defaultPage = 100

// page is one request for a part of a list.
type page struct {
	s     *Service
	call  *awsmodel.Call
	op    string
	query any
	// after is where the page before ended; limit how many items to return.
	after string
	limit int
}

// newPage reads paging parameters. query is what the marker is bound to.
func (s *Service) newPage(call *awsmodel.Call, op string, query any, marker *string, maxItems *int32) (page, error) {
	p := page{s: s, call: call, op: op, query: query, limit: int(value(maxItems, defaultPage))}
	if marker == nil {
		return p, nil
	}
	cursor, err := s.pages.Open(call, op, query, *marker)
	if err != nil {
		return p, invalidRequest("Invalid Marker.")
	}
	p.after = string(cursor)
	return p, nil
}

// fetch is how many items to read: one more than the page has shows whether
// another page follows.
func (p *page) fetch() int { return p.limit + 1 }

// cut limits a list to the page. The marker is nil on the last page.
func cut[T any](p *page, items []T, key func(T) string) (list []T, more *bool, marker *string) {
	if len(items) <= p.limit {
		return items, new(false), nil
	}
	items = items[:p.limit]
	next := p.s.pages.Seal(p.call, p.op, p.query, []byte(key(items[p.limit-1])))
	return items, new(true), &next
}

// slice pages through a short list that is in memory as a whole; the marker
// holds the number of items already shown.
func slice[T any](p *page, all []T) (list []T, more *bool, marker *string) {
	start := 0
	if n, err := strconv.Atoi(p.after); err == nil {
		start = min(n, len(all))
	}
	end := min(start+p.limit, len(all))
	if end == len(all) {
		return all[start:], new(false), nil
	}
	next := p.s.pages.Seal(p.call, p.op, p.query, []byte(strconv.Itoa(end)))
	return all[start:end], new(true), &next
}
