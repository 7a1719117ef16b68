package awsapi

import (
	"net/url"
	"strings"

	"muster/internal/awsapi/wire"
	"muster/internal/awsmodel"
)

// service is a model with everything that finding and answering operations
// looks up.
type service struct {
	model *awsmodel.Model
	codec *wire.Codec
	ops   map[string]*awsmodel.Operation
	// fixed maps "METHOD /path"; open lists the operations with a parameter at
	// the end of their path.
	fixed map[string]*awsmodel.Operation
	open  []openRoute
	// messageKey is the message member of JSON errors, "message" or "Message".
	messageKey string
	exceptions map[string]*awsmodel.Shape
}

// openRoute is a path such as /tags/{resourceArn}: prefix and parameter.
type openRoute struct {
	op            *awsmodel.Operation
	prefix, param string
}

func newService(s awsmodel.Service, limits wire.Limits) *service {
	out := &service{
		model: s.Model, codec: wire.New(s.Model, limits), messageKey: "message",
		ops: map[string]*awsmodel.Operation{}, fixed: map[string]*awsmodel.Operation{}, exceptions: map[string]*awsmodel.Shape{},
	}
	for i := range s.Operations {
		op := &s.Operations[i]
		out.ops[op.Name] = op
		if at := strings.IndexByte(op.Path, '{'); at >= 0 {
			out.open = append(out.open, openRoute{op, op.Path[:at], strings.Trim(op.Path[at:], "{+}")})
		} else {
			out.fixed[op.Method+" "+op.Path] = op
		}
	}
	for _, i := range s.Model.Exceptions {
		e := &s.Model.Shapes[i]
		out.exceptions[e.Name] = e
		for _, m := range e.Members {
			if m.Name == "Message" {
				out.messageKey = m.Name
			}
		}
	}
	return out
}

// match finds the operation of a REST path, as it was sent, with its
// parameters. A parameter at the end takes the rest of the path: clients send
// ARNs with their slashes escaped or not.
func (s *service) match(method, escapedPath string) (*awsmodel.Operation, map[string]string) {
	if op := s.fixed[method+" "+escapedPath]; op != nil {
		return op, nil
	}
	for _, r := range s.open {
		rest, ok := strings.CutPrefix(escapedPath, r.prefix)
		if !ok || rest == "" || method != r.op.Method {
			continue
		}
		value, err := url.PathUnescape(rest)
		if err != nil {
			return nil, nil
		}
		return r.op, map[string]string{r.param: value}
	}
	return nil, nil
}

// declares tells whether the model has the exception.
func (s *service) declares(exception string) bool { return s.exceptions[exception] != nil }

// reasoned tells services whose ValidationException has a reason and fields.
func (s *service) reasoned() bool { return s.exceptionHas("ValidationException", "reason") }

// exceptionHas tells whether an exception of the model has a member.
func (s *service) exceptionHas(exception, member string) bool {
	e := s.exceptions[exception]
	if e == nil {
		return false
	}
	for _, m := range e.Members {
		if m.Name == member {
			return true
		}
	}
	return false
}
