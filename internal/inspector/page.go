package inspector

import (
	"muster/internal/awsmodel"
)

// Page is one call of a list operation: where its page begins and how long it
// is.
type Page struct {
	pages Pager
	call  *awsmodel.Call
	op    string
	// query is what the token is bound to beside caller and operation: the
	// members of the input that choose what is listed.
	query any
	// After is the key of the last item of the page before; empty for the
	// first page.
	After string
	// Size is how many items the page has at most.
	Size int
}

// OpenPage opens the token of a list operation. An empty token is the first
// page; one that does not belong here is a ValidationException.
func (s *Service) OpenPage(call *awsmodel.Call, op string, query any, token *string, size *int32, most int) (Page, error) {
	p := Page{pages: s.config.Pages, call: call, op: op, query: query, Size: most}
	if size != nil {
		p.Size = min(max(int(*size), 1), most)
	}
	if token == nil || *token == "" {
		return p, nil
	}
	cursor, err := p.pages.Open(call, op, query, *token)
	if err != nil || len(cursor) == 0 {
		return Page{}, invalid("The nextToken is not valid for this request.")
	}
	p.After = string(cursor)
	return p, nil
}

// Next is the token of the page after an item.
func (p Page) Next(key string) *string {
	return new(p.pages.Seal(p.call, p.op, p.query, []byte(key)))
}
