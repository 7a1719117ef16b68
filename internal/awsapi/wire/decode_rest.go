package wire

import (
	"net/http"
	"reflect"

	"muster/internal/awsmodel"
)

// RESTRequest is a rest-json request, taken apart.
type RESTRequest struct {
	// Path holds the path's parameters, decoded.
	Path map[string]string
	// Query holds the decoded query string.
	Query *Form
	// Header is the request's.
	Header http.Header
	Body   []byte
}

// DecodeREST reads an operation's input from a rest-json request. The error is
// a *SyntaxError or an *Invalid.
func (c *Codec) DecodeREST(op *awsmodel.Operation, r *RESTRequest, in any) error {
	d := jsonDecoder{decoder: c.decoder()}
	s, v := &c.shapes[op.Input], reflect.ValueOf(in).Elem()
	for i := range s.Members {
		if s.Members[i].Location != awsmodel.InBody {
			d.bound(r, &s.Members[i], v.Field(i))
		}
	}
	if err := d.document(op.Input, r.Body, v); err != nil {
		return err
	}
	return d.result()
}

// bound decodes a member from the path, the query string or a header.
func (d *decoder) bound(r *RESTRequest, m *awsmodel.Member, v reflect.Value) {
	texts := r.texts(m)
	before := d.at.member(m.Name)
	defer d.at.cut(before)
	s := &d.codec.shapes[m.Shape]
	switch {
	case len(texts) == 0:
		if m.Required {
			d.missing()
		}
	case s.Kind == awsmodel.List:
		d.textList(s, v, texts)
	case len(texts) > 1:
		d.invalid.add(Violation{Path: string(d.at), Rule: WrongType, Constraint: "Member must be given once"})
	case !d.setText(s, v, texts[0]):
		d.wrongType(s)
	}
}

func (r *RESTRequest) texts(m *awsmodel.Member) []string {
	switch m.Location {
	case awsmodel.InPath:
		if t, ok := r.Path[m.LocationName]; ok {
			return []string{t}
		}
	case awsmodel.InQuery:
		return r.Query.All(m.LocationName)
	case awsmodel.InHeader:
		return r.Header.Values(m.LocationName)
	}
	return nil
}

// textList decodes a list of plain values from repeated parameters.
func (d *decoder) textList(s *compiled, v reflect.Value, texts []string) {
	elem := &d.codec.shapes[s.Elem]
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	_ = d.plainElements(elem, "Member must satisfy constraint: ", v, func() error {
		for i, t := range texts {
			if !d.spend(s, i) {
				continue
			}
			one := reflect.New(v.Type().Elem()).Elem()
			before := d.at.element(i)
			if !d.setText(elem, one, t) {
				d.wrongType(elem)
			}
			d.at.cut(before)
			v.Set(reflect.Append(v, one))
		}
		return nil
	})
	d.size(s, len(texts))
}
