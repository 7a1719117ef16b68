package wire

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"muster/internal/awsmodel"
)

// DecodeForm reads an operation's input from the parameters of a query request.
// The error is a *SyntaxError or an *Invalid.
func (c *Codec) DecodeForm(op *awsmodel.Operation, form *Form, in any) error {
	root, err := formTree(form, c.limits.Elements)
	if err != nil {
		return err
	}
	d := queryDecoder{c.decoder()}
	if err := d.structure(&c.shapes[op.Input], root, reflect.ValueOf(in).Elem()); err != nil {
		return err
	}
	return d.result()
}

// node is a place in the tree that dotted names span: "Tags.member.1.Key".
type node struct {
	text     string
	has      bool
	children map[string]*node
}

func (n *node) child(name string) *node { return n.children[name] }

// formDepth bounds the parts of a parameter's name; the deepest documented name
// has six.
const formDepth = 16

// formTree sorts the parameters into a tree of at most nodes places. A name
// twice is an error: the two would have to mean different things.
func formTree(form *Form, nodes int) (*node, error) {
	root := new(node)
	for _, p := range form.pairs {
		n := root
		steps := 0
		for part := range strings.SplitSeq(p.name, ".") {
			if steps++; steps > formDepth {
				return nil, &SyntaxError{What: "a parameter's name has too many parts"}
			}
			if n.children == nil {
				n.children = map[string]*node{}
			}
			if n.children[part] == nil {
				if nodes--; nodes < 0 {
					return nil, &SyntaxError{What: "too many parameters"}
				}
				n.children[part] = new(node)
			}
			n = n.children[part]
		}
		if n.has {
			return nil, &SyntaxError{What: "the parameter " + shorten(p.name) + " is given twice"}
		}
		n.text, n.has = p.value, true
	}
	return root, nil
}

type queryDecoder struct{ decoder }

func (d *queryDecoder) value(s *compiled, n *node, v reflect.Value) error {
	switch s.Kind {
	case awsmodel.Structure:
		return d.structure(s, n, place(v))
	case awsmodel.List:
		return d.list(s, n, v)
	case awsmodel.Map:
		return d.mapping(s, n, v)
	}
	if !n.has || len(n.children) > 0 || !d.setText(s, v, n.text) {
		d.wrongType(s)
	}
	return nil
}

func (d *queryDecoder) structure(s *compiled, n *node, v reflect.Value) error {
	if s.Sensitive {
		d.hidden++
		defer func() { d.hidden-- }()
	}
	set := 0
	for i := range s.Members {
		m := &s.Members[i]
		child := n.child(m.Name)
		if child == nil {
			if m.Required {
				d.missingMember(m.Name)
			}
			continue
		}
		set++
		before := d.at.member(m.Name)
		err := d.value(&d.codec.shapes[m.Shape], child, v.Field(i))
		d.at.cut(before)
		if err != nil {
			return err
		}
	}
	d.union(s, set)
	return nil
}

// list reads "Name.member.N", in EC2's protocol "Name.N"; an empty value of
// "Name" itself is an empty list.
func (d *queryDecoder) list(s *compiled, n *node, v reflect.Value) error {
	if n.has && n.text != "" {
		d.wrongType(s)
		return nil
	}
	items, err := numbered(d.codec.positions(n))
	if err != nil {
		return err
	}
	elem := &d.codec.shapes[s.Elem]
	v.Set(reflect.MakeSlice(v.Type(), 0, min(len(items), 1024)))
	err = d.plainElements(elem, "Member must satisfy constraint: ", v, func() error {
		for i, item := range items {
			if !d.spend(s, i) {
				continue
			}
			one := reflect.New(v.Type().Elem()).Elem()
			before := d.at.element(i)
			err := d.value(elem, item, one)
			d.at.cut(before)
			if err != nil {
				return err
			}
			v.Set(reflect.Append(v, one))
		}
		return nil
	})
	d.size(s, len(items))
	return err
}

// positions is where the elements of a list are numbered.
func (c *Codec) positions(n *node) *node {
	if c.flat {
		return n
	}
	return n.child("member")
}

// numbered returns the children "1", "2", … in the order of their numbers.
func numbered(n *node) ([]*node, error) {
	if n == nil {
		return nil, nil
	}
	byNumber := make(map[int]*node, len(n.children))
	for name, child := range n.children {
		i, err := strconv.Atoi(name)
		if err != nil || i < 1 || strconv.Itoa(i) != name {
			return nil, &SyntaxError{What: "a list has the position " + shorten(name)}
		}
		byNumber[i] = child
	}
	items := make([]*node, 0, len(byNumber))
	for _, i := range slices.Sorted(maps.Keys(byNumber)) {
		items = append(items, byNumber[i])
	}
	return items, nil
}

// mapping reads "Name.entry.N.key" and "Name.entry.N.value".
func (d *queryDecoder) mapping(s *compiled, n *node, v reflect.Value) error {
	items, err := numbered(n.child("entry"))
	if err != nil {
		return err
	}
	v.Set(reflect.MakeMap(v.Type()))
	elem, keys := &d.codec.shapes[s.Elem], &d.codec.shapes[s.Key]
	badKey := false
	err = d.plainElements(elem, "Map value must satisfy constraint: ", v, func() error {
		for i, item := range items {
			key, value := item.child("key"), item.child("value")
			if key == nil || value == nil || !key.has {
				return &SyntaxError{What: "a map's entry lacks its key or its value"}
			}
			badKey = badKey || len(keys.checkString(key.text)) > 0
			if err := d.entry(s, elem, v, i, key.text, value); err != nil {
				return err
			}
		}
		return nil
	})
	if badKey {
		d.invalid.add(Violation{Path: string(d.at), Rule: BadElement, Constraint: "Map keys must satisfy constraint: " + constraints(keys.Shape)})
	}
	d.size(s, len(items))
	return err
}

func (d *queryDecoder) entry(s, elem *compiled, m reflect.Value, i int, key string, value *node) error {
	if !d.spend(s, i) {
		return nil
	}
	k := reflect.New(m.Type().Key()).Elem()
	k.SetString(key)
	one := reflect.New(m.Type().Elem()).Elem()
	before := d.at.value(key)
	defer d.at.cut(before)
	if err := d.value(elem, value, one); err != nil {
		return err
	}
	m.SetMapIndex(k, one)
	return nil
}
