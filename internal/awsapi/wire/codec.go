// Package wire puts the shapes of a service model on the wire and takes them
// from it: rest-json, JSON 1.1, the query protocol and EC2's, with all constraints of
// the model checked on the way in. It knows shapes, not services, and does no
// I/O.
package wire

import (
	"reflect"
	"regexp"
	"sync"

	"muster/internal/awsmodel"
)

// Codec encodes and decodes the shapes of one model. It is safe for concurrent
// use.
type Codec struct {
	model  *awsmodel.Model
	shapes []compiled
	limits Limits
	// flat lists number their elements without naming them: EC2's protocol.
	flat bool
	// element is what the elements of a list are called in XML.
	element string
}

// Limits bound what one request may make the decoder build.
type Limits struct {
	// Depth is how deeply JSON values and form names may nest.
	Depth int
	// Elements is how many list elements and map entries a request may have.
	Elements int
}

// DefaultLimits are generous for every documented request.
func DefaultLimits() Limits { return Limits{Depth: 128, Elements: 200_000} }

// compiled is a shape with what decoding looks up again and again.
type compiled struct {
	*awsmodel.Shape
	members map[string]int
	pattern *pattern
}

// pattern compiles on first use: a process meets few of a model's patterns.
type pattern struct {
	shape *awsmodel.Shape
	once  sync.Once
	match *regexp.Regexp
	not   *regexp.Regexp
}

func (p *pattern) ok(s string) bool {
	p.once.Do(func() {
		p.match = regexp.MustCompile(p.shape.Match)
		if p.shape.NotMatch != "" {
			p.not = regexp.MustCompile(p.shape.NotMatch)
		}
	})
	return p.match.MatchString(s) && (p.not == nil || !p.not.MatchString(s))
}

// New prepares a model.
func New(model *awsmodel.Model, limits Limits) *Codec {
	c := &Codec{model: model, shapes: make([]compiled, len(model.Shapes)), limits: limits, element: "member"}
	if model.Protocol == awsmodel.EC2 {
		c.flat, c.element = true, "item"
	}
	for i := range model.Shapes {
		s := &model.Shapes[i]
		c.shapes[i].Shape = s
		if s.Match != "" {
			c.shapes[i].pattern = &pattern{shape: s}
		}
		if len(s.Members) > 0 {
			c.shapes[i].members = make(map[string]int, len(s.Members))
			for j, m := range s.Members {
				c.shapes[i].members[m.Name] = j
			}
		}
	}
	return c
}

// Shape returns a shape by its index.
func (c *Codec) Shape(i int) *awsmodel.Shape { return c.shapes[i].Shape }

// Exception finds the shape of an error value of this model's package. The Go
// type of an exception bears the shape's name.
func (c *Codec) Exception(err error) (shape int, value reflect.Value, ok bool) {
	v := reflect.ValueOf(err)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Type().Elem().PkgPath() != "muster/internal/awsmodel/"+c.model.Name {
		return 0, reflect.Value{}, false
	}
	for _, i := range c.model.Exceptions {
		if c.shapes[i].Name == v.Type().Elem().Name() {
			return i, v.Elem(), true
		}
	}
	return 0, reflect.Value{}, false
}

// scalar tells shapes that are one value, without parts.
func scalar(k awsmodel.Kind) bool {
	return k != awsmodel.Structure && k != awsmodel.List && k != awsmodel.Map && k != awsmodel.Document
}
