package wire

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"

	"muster/internal/awsmodel"
)

// jsonDecoder decodes a JSON document by a shape.
type jsonDecoder struct {
	decoder
	scan scanner
}

// DecodeJSON reads an operation's input from the body of a JSON 1.1 request
// into in, a pointer to the operation's input. The error is a *SyntaxError or
// an *Invalid. An empty body is an empty input.
func (c *Codec) DecodeJSON(op *awsmodel.Operation, body []byte, in any) error {
	d := jsonDecoder{decoder: c.decoder()}
	if err := d.document(op.Input, body, reflect.ValueOf(in).Elem()); err != nil {
		return err
	}
	return d.result()
}

// document decodes the whole body as the members of the input that travel in
// bodies.
func (d *jsonDecoder) document(input int, body []byte, v reflect.Value) error {
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		body = []byte("{}")
	}
	d.scan = scanner{buf: body, limit: d.codec.limits.Depth}
	if d.scan.peek() != '{' {
		return d.scan.fail("expected an object")
	}
	if err := d.structure(&d.codec.shapes[input], v); err != nil {
		return err
	}
	return d.scan.end()
}

// value decodes the next value, of any type but null.
func (d *jsonDecoder) value(s *compiled, v reflect.Value) error {
	c := d.scan.peek()
	switch s.Kind {
	case awsmodel.Structure:
		if c == '{' {
			return d.structure(s, place(v))
		}
	case awsmodel.List:
		if c == '[' {
			return d.list(s, v)
		}
	case awsmodel.Map:
		if c == '{' {
			return d.mapping(s, v)
		}
	case awsmodel.Document:
		return d.raw(v)
	default:
		return d.plain(s, v, c)
	}
	d.wrongType(s)
	return d.scan.skip()
}

func (d *jsonDecoder) structure(s *compiled, v reflect.Value) error {
	if s.Sensitive {
		d.hidden++
		defer func() { d.hidden-- }()
	}
	if err := d.scan.open(); err != nil {
		return err
	}
	var few [64]bool
	seen := few[:]
	if len(s.Members) > len(few) {
		seen = make([]bool, len(s.Members))
	}
	set := 0
	for first := true; ; first = false {
		more, err := d.scan.more(first, '}')
		if err != nil {
			return err
		}
		if !more {
			break
		}
		present, err := d.member(s, v, seen)
		if err != nil {
			return err
		}
		if present {
			set++
		}
	}
	d.union(s, set)
	for i := range s.Members {
		if m := &s.Members[i]; m.Required && !seen[i] && m.Location == awsmodel.InBody {
			d.missingMember(m.Name)
		}
	}
	return nil
}

// member decodes one member and notes it as seen. Unknown members are passed
// over; null is the same as absent; a known member twice is an error, since
// readers would differ on which one counts.
func (d *jsonDecoder) member(s *compiled, v reflect.Value, seen []bool) (present bool, err error) {
	key, err := d.scan.key()
	if err != nil {
		return false, err
	}
	i, known := s.members[string(key)]
	if !known || s.Members[i].Location != awsmodel.InBody {
		return false, d.scan.skip()
	}
	if d.scan.peek() == 'n' {
		return false, d.scan.literal("null")
	}
	if seen[i] {
		return false, d.scan.fail("the member " + s.Members[i].Name + " twice in one object")
	}
	seen[i] = true
	before := d.at.member(s.Members[i].Name)
	err = d.value(&d.codec.shapes[s.Members[i].Shape], v.Field(i))
	d.at.cut(before)
	return true, err
}

func (d *jsonDecoder) list(s *compiled, v reflect.Value) error {
	if err := d.scan.open(); err != nil {
		return err
	}
	elem := &d.codec.shapes[s.Elem]
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	n := 0
	err := d.plainElements(elem, "Member must satisfy constraint: ", v, func() error {
		for ; ; n++ {
			more, err := d.scan.more(n == 0, ']')
			if err != nil || !more {
				return err
			}
			if err := d.element(s, elem, v, n); err != nil {
				return err
			}
		}
	})
	d.size(s, n)
	return err
}

func (d *jsonDecoder) element(s, elem *compiled, list reflect.Value, n int) error {
	if !d.spend(s, n) {
		return d.scan.skip()
	}
	before := d.at.element(n)
	defer d.at.cut(before)
	if d.scan.peek() == 'n' {
		d.missing()
		return d.scan.literal("null")
	}
	i := list.Len()
	list.Grow(1)
	list.SetLen(i + 1)
	list.Index(i).SetZero()
	return d.value(elem, list.Index(i))
}

func (d *jsonDecoder) mapping(s *compiled, v reflect.Value) error {
	if err := d.scan.open(); err != nil {
		return err
	}
	v.Set(reflect.MakeMap(v.Type()))
	elem := &d.codec.shapes[s.Elem]
	n, badKey := 0, false
	err := d.plainElements(elem, "Map value must satisfy constraint: ", v, func() error {
		for ; ; n++ {
			more, err := d.scan.more(n == 0, '}')
			if err != nil || !more {
				return err
			}
			good, err := d.entry(s, elem, v, n)
			if err != nil {
				return err
			}
			badKey = badKey || !good
		}
	})
	if badKey {
		d.invalid.add(Violation{Path: string(d.at), Rule: BadElement, Constraint: "Map keys must satisfy constraint: " + constraints(d.codec.shapes[s.Key].Shape)})
	}
	d.size(s, n)
	return err
}

// entry decodes one entry of a map and says whether its key is good.
func (d *jsonDecoder) entry(s, elem *compiled, m reflect.Value, n int) (good bool, err error) {
	b, err := d.scan.key()
	if err != nil {
		return false, err
	}
	name := string(b)
	good = len(d.codec.shapes[s.Key].checkString(name)) == 0
	if !d.spend(s, n) {
		return good, d.scan.skip()
	}
	key := reflect.New(m.Type().Key()).Elem()
	key.SetString(name)
	if m.MapIndex(key).IsValid() {
		return good, d.scan.fail("a key twice in one map")
	}
	before := d.at.value(name)
	defer d.at.cut(before)
	if d.scan.peek() == 'n' {
		d.missing()
		return good, d.scan.literal("null")
	}
	value := reflect.New(m.Type().Elem()).Elem()
	if err := d.value(elem, value); err != nil {
		return good, err
	}
	m.SetMapIndex(key, value)
	return good, nil
}

// plain decodes a value without parts whose first byte is c.
func (d *jsonDecoder) plain(s *compiled, v reflect.Value, c byte) error {
	ok, err := d.token(s, v, c)
	if err == nil && !ok {
		d.wrongType(s)
	}
	return err
}

func (d *jsonDecoder) token(s *compiled, v reflect.Value, c byte) (ok bool, err error) {
	switch {
	case c == '"' && (s.Kind == awsmodel.String || s.Kind == awsmodel.Blob):
		b, err := d.scan.text()
		return err == nil && d.setText(s, v, string(b)), err
	case (c == '-' || c >= '0' && c <= '9') && numeric(s.Kind):
		b, err := d.scan.number()
		return err == nil && d.setNumber(s, v, b), err
	case c == 't' && s.Kind == awsmodel.Boolean:
		place(v).SetBool(true)
		return true, d.scan.literal("true")
	case c == 'f' && s.Kind == awsmodel.Boolean:
		place(v).SetBool(false)
		return true, d.scan.literal("false")
	}
	return false, d.scan.skip()
}

func numeric(k awsmodel.Kind) bool {
	return k == awsmodel.Integer || k == awsmodel.Long || k == awsmodel.Double || k == awsmodel.Timestamp
}

func (d *jsonDecoder) setNumber(s *compiled, v reflect.Value, text []byte) bool {
	switch s.Kind {
	case awsmodel.Integer, awsmodel.Long:
		return d.setInteger(s, v, integral(text))
	case awsmodel.Timestamp:
		f, err := strconv.ParseFloat(string(text), 64)
		return err == nil && setEpoch(v, f)
	}
	return d.setDouble(s, v, string(text))
}

// integral rewrites a whole number with a fraction or an exponent, such as 1.0
// or 1e3, which some encoders write, in plain digits.
func integral(text []byte) string {
	if bytes.ContainsAny(text, ".eE") {
		if f, err := strconv.ParseFloat(string(text), 64); err == nil && f == float64(int64(f)) && f > -1<<53 && f < 1<<53 {
			return strconv.FormatInt(int64(f), 10)
		}
	}
	return string(text)
}

// raw keeps the text of a document.
func (d *jsonDecoder) raw(v reflect.Value) error {
	start := d.scan.pos
	if err := d.scan.skip(); err != nil {
		return err
	}
	v.Set(reflect.ValueOf(json.RawMessage(bytes.Clone(d.scan.buf[start:d.scan.pos]))))
	return nil
}
