package desk

import (
	"strconv"

	"muster/internal/awsmodel"
)

// defaultPage is how many items a page has when the caller does not say.
const defaultPage = 100

// Page is one request for a part of a list.
type Page struct {
	d     *Desk
	Call  *awsmodel.Call
	op    string
	query any
	// After is where the page before ended; Limit how many items to return.
	After string
	Limit int
}

// NewPage reads paging parameters. query is what the marker is bound to.
func (d *Desk) NewPage(call *awsmodel.Call, op string, query any, marker *string, maxItems *int32) (Page, error) {
	p := Page{d: d, Call: call, op: op, query: query, Limit: int(Value(maxItems, defaultPage))}
	if marker == nil {
		return p, nil
	}
	cursor, err := d.Pages.Open(call, op, query, *marker)
	if err != nil {
		return p, InvalidRequest("Invalid Marker.")
	}
	p.After = string(cursor)
	return p, nil
}

// Fetch is how many items to read: one more than the page has shows whether
// another page follows.
func (p *Page) Fetch() int { return p.Limit + 1 }

// Cut limits a list to the page. The marker is nil on the last page.
func Cut[T any](p *Page, items []T, key func(T) string) (list []T, more *bool, marker *string) {
	if len(items) <= p.Limit {
		return items, new(false), nil
	}
	items = items[:p.Limit]
	next := p.d.Pages.Seal(p.Call, p.op, p.query, []byte(key(items[p.Limit-1])))
	return items, new(true), &next
}

// Slice pages through a short list that is in memory as a whole; the marker
// holds the number of items already shown.
func Slice[T any](p *Page, all []T) (list []T, more *bool, marker *string) {
	start, end, more, marker := p.Window(len(all))
	return all[start:end], more, marker
}

// Window is which of n items the page shows: those from start up to end.
func (p *Page) Window(n int) (start, end int, more *bool, marker *string) {
	if shown, err := strconv.Atoi(p.After); err == nil {
		start = min(shown, n)
	}
	if end = min(start+p.Limit, n); end == n {
		return start, end, new(false), nil
	}
	next := p.d.Pages.Seal(p.Call, p.op, p.query, []byte(strconv.Itoa(end)))
	return start, end, new(true), &next
}

// End says that the page ends at a place, and that more follows.
func (p *Page) End(cursor string, more **bool, marker **string) {
	*more, *marker = new(true), new(p.d.Pages.Seal(p.Call, p.op, p.query, []byte(cursor)))
}
