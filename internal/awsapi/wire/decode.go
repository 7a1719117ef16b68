package wire

import (
	"fmt"
	"reflect"
	"strings"

	"muster/internal/awsmodel"
)

// decoder is what the decoders of all protocols share: where they are, what was
// wrong so far, and the budgets.
type decoder struct {
	codec    *Codec
	at       path
	invalid  Invalid
	elements int
	// hidden is above zero inside sensitive structures.
	hidden int
	// quiet is set while the elements of a list or map of plain values are
	// read: AWS reports them once, at the list. bad notes that one was wrong.
	quiet, bad bool
}

func (c *Codec) decoder() decoder { return decoder{codec: c, elements: c.limits.Elements} }

// result is the decoder's verdict.
func (d *decoder) result() error {
	if d.invalid.Count == 0 {
		return nil
	}
	return &d.invalid
}

// judge reports the rules that a plain value breaks, and says whether it is
// good.
func (d *decoder) judge(s *compiled, rules []broken, shown string) bool {
	if len(rules) == 0 {
		return true
	}
	if d.quiet {
		d.bad = true
		return false
	}
	for _, b := range rules {
		d.report(s.Shape, b, shown)
	}
	return false
}

func (d *decoder) report(s *awsmodel.Shape, b broken, shown string) {
	v := Violation{Path: string(d.at), Rule: b.rule, Constraint: b.sentence}
	if scalar(s.Kind) && !s.Sensitive && d.hidden == 0 {
		v.Value, v.HasValue = shorten(shown), true
	}
	d.invalid.add(v)
}

func (d *decoder) missing() {
	d.invalid.add(Violation{Path: string(d.at), Rule: NotNull, Constraint: "Member must not be null"})
}

func (d *decoder) missingMember(name string) {
	before := d.at.member(name)
	d.missing()
	d.at.cut(before)
}

// wrongType reports a value of a type that the shape cannot take. The value is
// not shown: it may be anything.
func (d *decoder) wrongType(s *compiled) {
	d.invalid.add(Violation{Path: string(d.at), Rule: WrongType, Constraint: typeText(s.Kind)})
}

func (d *decoder) union(s *compiled, set int) {
	if s.Union && set != 1 {
		d.invalid.add(Violation{Path: string(d.at), Rule: BadUnion, Constraint: "Member must have exactly one of its members set"})
	}
}

// size checks the number of elements, entries or bytes.
func (d *decoder) size(s *compiled, n int) {
	for _, b := range s.checkSize(n, nil) {
		d.invalid.add(Violation{Path: string(d.at), Rule: b.rule, Constraint: b.sentence})
	}
}

// spend takes one element from the budgets: the shape's own maximum and the
// request's. Elements beyond are counted but not built.
func (d *decoder) spend(s *compiled, n int) (build bool) {
	if s.HasMax && float64(n) >= s.Max {
		return false
	}
	d.elements--
	if d.elements == -1 {
		d.invalid.add(Violation{Path: string(d.at), Rule: TooLong, Constraint: fmt.Sprintf("Member must have length less than or equal to %d with all other lists", d.codec.limits.Elements)})
	}
	return d.elements >= 0
}

// plainElements runs read over a list or map whose elements have the shape. For
// plain shapes it reports at most one violation, at the list, in the words of
// AWS: every constraint of the element.
func (d *decoder) plainElements(elem *compiled, lead string, list reflect.Value, read func() error) error {
	if !scalar(elem.Kind) {
		return read()
	}
	quiet, bad := d.quiet, d.bad
	d.quiet, d.bad = true, false
	err := read()
	failed := d.bad
	d.quiet, d.bad = quiet, bad
	if failed {
		v := Violation{Path: string(d.at), Rule: BadElement, Constraint: lead + constraints(elem.Shape)}
		if d.codec.model.Protocol != awsmodel.RESTJSON && !elem.Sensitive && d.hidden == 0 && list.Kind() == reflect.Slice {
			v.Value, v.HasValue = shorten(listText(list)), true
		}
		d.invalid.add(v)
	}
	return err
}

func listText(list reflect.Value) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := range list.Len() {
		if i > 0 {
			b.WriteString(", ")
		}
		if b.Len() > 512 {
			break
		}
		fmt.Fprint(&b, list.Index(i).Interface())
	}
	b.WriteByte(']')
	return b.String()
}

// place is the value behind an optional member's pointer, made on the way.
func place(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Pointer {
		return v
	}
	v.Set(reflect.New(v.Type().Elem()))
	return v.Elem()
}
