package organizations

import (
	"muster/internal/awsmodel"
)

// The size of a page, as asked for and by default.
const (
	maxPage     = 20
	defaultPage = maxPage
)

// listing is one call of a list operation: where its page begins and how long
// it is.
type listing struct {
	service *Service
	call    *awsmodel.Call
	op      string
	// query is what the token is bound to beside caller and operation: the
	// members of the input that choose what is listed.
	query any
	// after is the key of the last item of the page before; empty for the
	// first page.
	after string
	size  int
}

// list opens the token of a list operation. An empty token is the first page.
func (s *Service) list(call *awsmodel.Call, op string, query any, token *string, size *int32) (listing, error) {
	l := listing{service: s, call: call, op: op, query: query, size: defaultPage}
	if size != nil {
		l.size = min(max(int(*size), 1), maxPage)
	}
	if token == nil || *token == "" {
		return l, nil
	}
	cursor, err := s.pages.Open(call, op, query, *token)
	if err != nil || len(cursor) == 0 {
		return listing{}, invalidNextToken()
	}
	l.after = string(cursor)
	return l, nil
}

// ask is how many items to read: one more than the page holds, which tells
// whether there is another page.
func (l listing) ask() int { return l.size + 1 }

// cut returns the page of what ask() items were read for, shown one by one,
// and the token of the next page, if there is one.
func cut[R, S any](l listing, read []R, key func(R) string, show func(R) S) ([]S, *string) {
	var next *string
	if len(read) > l.size {
		read = read[:l.size]
		next = new(l.service.pages.Seal(l.call, l.op, l.query, []byte(key(read[l.size-1]))))
	}
	out := make([]S, 0, len(read))
	for _, r := range read {
		out = append(out, show(r))
	}
	return out, next
}
