package inspector

import (
	"muster/internal/awsmodel"
)

// page is one call of a list operation: where its page begins and how long it
// is.
type page struct {
	pages Pager
	call  *awsmodel.Call
	op    string
	// query is what the token is bound to beside caller and operation: the
	// members of the input that choose what is listed.
	query any
	// after is the key of the last item of the page before; empty for the
	// first page.
	after string
	size  int
}

// openPage opens the token of a list operation. An empty token is the first
// page; one that does not belong here is a ValidationException.
func (s *Service) openPage(call *awsmodel.Call, op string, query any, token *string, size *int32, most int) (page, error) {
	p := page{pages: s.config.Pages, call: call, op: op, query: query, size: most}
	if size != nil {
		p.size = min(max(int(*size), 1), most)
	}
	if token == nil || *token == "" {
		return p, nil
	}
	cursor, err := p.pages.Open(call, op, query, *token)
	if err != nil || len(cursor) == 0 {
		return page{}, invalid("The nextToken is not valid for this request.")
	}
	p.after = string(cursor)
	return p, nil
}

// next is the token of the page after an item.
func (p page) next(key string) *string {
	return new(p.pages.Seal(p.call, p.op, p.query, []byte(key)))
}
