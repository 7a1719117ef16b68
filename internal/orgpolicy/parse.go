package orgpolicy

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Parse reads a document. The error is a *Malformed.
func Parse(text string) (*Document, error) {
	if len(text) > MaxSize {
		return nil, &Malformed{Message: "the document is too large"}
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := readValue(d, "", 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &Malformed{Message: "something follows the JSON object"}
	}
	root, ok := v.(object)
	if !ok {
		return nil, &Malformed{Message: "a policy is a JSON object"}
	}
	e, err := readElement(root, "")
	if err != nil {
		return nil, err
	}
	if e.setting() {
		return nil, &Malformed{Message: "operators need a setting to work on"}
	}
	return &Document{e}, nil
}

// object is a JSON object, in which no name stands twice.
type object map[string]any

// readValue reads one JSON value. Names that stand twice are refused: which of
// the two counts would be a guess.
func readValue(d *json.Decoder, path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, &Malformed{path, "nested too deeply"}
	}
	t, err := d.Token()
	if err != nil {
		return nil, &Malformed{path, "not valid JSON"}
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return readObject(d, path, depth)
		}
		return readList(d, path, depth)
	case nil:
		return nil, &Malformed{path, "null is no value"}
	default:
		return t, nil
	}
}

func readObject(d *json.Decoder, path string, depth int) (any, error) {
	o := object{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, &Malformed{path, "not valid JSON"}
		}
		name := t.(string) // the decoder allows nothing else here
		if _, twice := o[name]; twice {
			return nil, &Malformed{join(path, name), "stands twice"}
		}
		if o[name], err = readValue(d, join(path, name), depth+1); err != nil {
			return nil, err
		}
	}
	return o, closed(d, path)
}

func readList(d *json.Decoder, path string, depth int) (any, error) {
	list := []any{}
	for d.More() {
		v, err := readValue(d, path, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, closed(d, path)
}

// closed reads the delimiter that ends an object or list.
func closed(d *json.Decoder, path string) error {
	if _, err := d.Token(); err != nil {
		return &Malformed{path, "not valid JSON"}
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// readElement gives an object its meaning.
func readElement(o object, path string) (*element, error) {
	e := &element{}
	for name, v := range o {
		if err := e.read(name, v, path); err != nil {
			return nil, err
		}
	}
	if e.setting() && len(e.children) > 0 {
		return nil, &Malformed{path, "operators and names cannot stand side by side"}
	}
	return e, nil
}

func (e *element) read(name string, v any, path string) (err error) {
	if op, ok := valueOperators[name]; ok {
		return e.readOperand(op, v, join(path, name))
	}
	if name == controlWord {
		e.allowed, err = readControl(v, join(path, name))
		return err
	}
	if strings.HasPrefix(name, prefix) {
		return &Malformed{join(path, name), "not an operator"}
	}
	below, ok := v.(object)
	if !ok {
		return &Malformed{join(path, name), "a value needs an operator such as @@assign"}
	}
	child, err := readElement(below, join(path, name))
	if err != nil {
		return err
	}
	if e.children == nil {
		e.children = map[string]*element{}
	}
	e.children[name] = child
	return nil
}

// readOperand reads what an operator is applied to: a scalar or a list of
// scalars for @@assign, a list for the others.
func (e *element) readOperand(op operators, v any, path string) error {
	switch v := v.(type) {
	case object:
		return &Malformed{path, "an operator takes a value or a list, not an object"}
	case []any:
		for _, item := range v {
			switch item.(type) {
			case object, []any:
				return &Malformed{path, "a list holds plain values"}
			}
		}
	default:
		if op != assign {
			return &Malformed{path, "takes a list"}
		}
	}
	if e.values == nil {
		e.values = map[operators]any{}
	}
	e.values[op] = v
	return nil
}

// readControl reads the value of the control operator: words in a list, or one
// word.
func readControl(v any, path string) (*operators, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		return nil, &Malformed{path, "needs @@all, @@none, or operators"}
	}
	var set operators
	for _, item := range list {
		word, _ := item.(string)
		op, known := valueOperators[word]
		switch {
		case known:
			set |= op
		case word == allWord && len(list) == 1:
			set = all
		case word == noneWord && len(list) == 1:
		default:
			return nil, &Malformed{path, "takes @@all alone, @@none alone, or a list of @@assign, @@append and @@remove"}
		}
	}
	return &set, nil
}
