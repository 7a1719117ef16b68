// Package wiretest makes valid values of any shape of a service model, and puts
// them on the wire as a client would. It is for tests.
package wiretest

import (
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"time"
	"unicode/utf8"

	"muster/internal/awsmodel"
	"pgregory.net/rapid"
)

// Services are all generated models with no operation implemented.
func Services() []awsmodel.Service { return services() }

// Input draws a valid input of an operation; the result is a pointer to it.
func Input(t *rapid.T, m *awsmodel.Model, op *awsmodel.Operation) any {
	in := op.NewInput()
	rapid.Bool().Draw(t, "any") // some inputs have nothing to draw
	Fill(t, m, op.Input, reflect.ValueOf(in).Elem())
	return in
}

// Fill draws a valid value of a shape into v. Times have milliseconds, and
// optional members are sometimes absent.
func Fill(t *rapid.T, m *awsmodel.Model, shape int, v reflect.Value) {
	f := filler{t, m}
	f.fill(shape, v, 0)
}

type filler struct {
	t *rapid.T
	m *awsmodel.Model
}

// maxDepth ends the recursive shapes.
const maxDepth = 6

func (f filler) fill(shape int, v reflect.Value, depth int) {
	s := &f.m.Shapes[shape]
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch s.Kind {
	case awsmodel.Structure:
		f.structure(s, v, depth+1)
	case awsmodel.List:
		f.list(s, v, depth+1)
	case awsmodel.Map:
		f.mapping(s, v, depth+1)
	case awsmodel.String:
		v.SetString(f.text(s))
	case awsmodel.Integer, awsmodel.Long:
		v.SetInt(f.integer(s))
	case awsmodel.Double:
		lo, hi := bounds(s, -1e9, 1e9)
		v.SetFloat(rapid.Float64Range(lo, hi).Draw(f.t, s.Name))
	case awsmodel.Boolean:
		v.SetBool(rapid.Bool().Draw(f.t, s.Name))
	case awsmodel.Timestamp:
		ms := rapid.Int64Range(-2_000_000_000_000, 4_000_000_000_000).Draw(f.t, s.Name)
		v.Set(reflect.ValueOf(time.UnixMilli(ms).UTC()))
	case awsmodel.Blob:
		lo, hi := bounds(s, 0, 40)
		v.SetBytes(rapid.SliceOfN(rapid.Byte(), int(lo), int(min(hi, lo+40))).Draw(f.t, s.Name))
	case awsmodel.Document:
		v.Set(reflect.ValueOf(json.RawMessage(`{"any":["thing",1,null]}`)))
	}
}

func (f filler) structure(s *awsmodel.Shape, v reflect.Value, depth int) {
	if s.Union && len(s.Members) > 0 {
		i := rapid.IntRange(0, len(s.Members)-1).Draw(f.t, s.Name)
		f.fill(s.Members[i].Shape, v.Field(i), depth)
		return
	}
	set := 0
	for i, m := range s.Members {
		if m.Required || depth < maxDepth && rapid.Bool().Draw(f.t, m.Name) {
			f.fill(m.Shape, v.Field(i), depth)
			set++
		}
		// A query string cannot tell an empty list from none.
		if m.Location == awsmodel.InQuery && v.Field(i).Kind() == reflect.Slice && v.Field(i).Len() == 0 {
			v.Field(i).SetZero()
			f.filled(m.Shape, v.Field(i), depth)
		}
	}
	// A form cannot carry a structure without members.
	if f.m.Protocol.Form() && set == 0 && len(s.Members) > 0 {
		f.fill(s.Members[0].Shape, v.Field(0), depth)
	}
}

// filled draws lists until one has an element.
func (f filler) filled(shape int, v reflect.Value, depth int) {
	for v.Len() == 0 {
		f.fill(shape, v, depth)
	}
}

func (f filler) size(s *awsmodel.Shape) int {
	lo, hi := bounds(s, 0, 2)
	return rapid.IntRange(int(lo), int(min(hi, lo+2))).Draw(f.t, s.Name)
}

func (f filler) list(s *awsmodel.Shape, v reflect.Value, depth int) {
	n := f.size(s)
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		f.fill(s.Elem, v.Index(i), depth)
	}
}

func (f filler) mapping(s *awsmodel.Shape, v reflect.Value, depth int) {
	n := f.size(s)
	v.Set(reflect.MakeMap(v.Type()))
	for v.Len() < n {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(s.Key, key, depth)
		f.fill(s.Elem, value, depth)
		v.SetMapIndex(key, value)
	}
}

func (f filler) integer(s *awsmodel.Shape) int64 {
	lo, hi := bounds(s, math.MinInt32, math.MaxInt32)
	return rapid.Int64Range(int64(lo), int64(hi)).Draw(f.t, s.Name)
}

func bounds(s *awsmodel.Shape, lo, hi float64) (float64, float64) {
	if s.HasMin {
		lo = s.Min
	}
	if s.HasMax {
		hi = s.Max
	}
	return lo, max(lo, hi)
}

var simpleClass = regexp.MustCompile(`^\\A\(\?:\^?(\[[^\[\]]+\])[+*]\$?\)\\z$`)

// text draws a string that satisfies length, pattern and enumeration.
func (f filler) text(s *awsmodel.Shape) string {
	lo, hi := bounds(s, 0, 30)
	hi = min(hi, lo+30)
	switch {
	case s.Enum != nil:
		return rapid.SampledFrom(s.Enum).Draw(f.t, s.Name)
	case s.Match == "":
		return rapid.StringOfN(rapid.Rune().Filter(func(r rune) bool { return r != 0 && r != '\r' && utf8.ValidRune(r) }), int(lo), int(hi), -1).Draw(f.t, s.Name)
	}
	expr := s.Match
	if c := simpleClass.FindStringSubmatch(s.Match); c != nil {
		expr = c[1] + "{" + itoa(int(max(lo, 1))) + "," + itoa(int(max(hi, 1))) + "}"
	}
	return rapid.StringMatching(expr).Filter(func(text string) bool { return acceptable(s, text) }).Draw(f.t, s.Name)
}

func acceptable(s *awsmodel.Shape, text string) bool {
	n := float64(utf8.RuneCountInString(text))
	if s.HasMin && n < s.Min || s.HasMax && n > s.Max || !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if r == 0 || r == '\r' {
			return false
		}
	}
	return regexp.MustCompile(s.Match).MatchString(text) && (s.NotMatch == "" || !regexp.MustCompile(s.NotMatch).MatchString(text))
}
