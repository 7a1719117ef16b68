package policy

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// maxDepth is deeper than any valid policy: document, statements, statement,
// condition, operator, key, values.
const maxDepth = 8

// node is one JSON value with the order and uniqueness of names that
// encoding/json's maps lose. Numbers and booleans are kept as their text,
// because that is how policies use them.
type node struct {
	kind  byte // '{', '[', '"' for a string, '0' for a number or boolean, 'n' for null
	text  string
	names []string // of '{'
	items []node   // of '{' and '['
	// start and end are the offsets in bytes of what follows a '{' and its '}'.
	start, end int
}

var errSyntax = errors.New("not a policy's JSON")

// readJSON reads one JSON value. A name that stands twice in an object is an
// error: which of the two counts would be a guess, and guesses open doors.
func readJSON(text string) (node, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	n, err := readValue(d, 0)
	if err != nil {
		return node{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return node{}, errSyntax
	}
	return n, nil
}

func readValue(d *json.Decoder, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, errSyntax
	}
	t, err := d.Token()
	if err != nil {
		return node{}, err
	}
	switch t := t.(type) {
	case json.Delim:
		return readItems(d, depth, byte(t))
	case string:
		return node{kind: '"', text: t}, nil
	case json.Number:
		return node{kind: '0', text: t.String()}, nil
	case bool:
		if t {
			return node{kind: '0', text: "true"}, nil
		}
		return node{kind: '0', text: "false"}, nil
	default:
		return node{kind: 'n'}, nil
	}
}

// readItems reads the rest of an object or array after its opening delimiter.
func readItems(d *json.Decoder, depth int, kind byte) (node, error) {
	n := node{kind: kind, start: int(d.InputOffset())}
	seen := map[string]bool{}
	for d.More() {
		if kind == '{' {
			t, err := d.Token()
			if err != nil {
				return node{}, err
			}
			name := t.(string) // the decoder allows nothing else here
			if seen[name] {
				return node{}, errSyntax
			}
			seen[name] = true
			n.names = append(n.names, name)
		}
		item, err := readValue(d, depth+1)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
	}
	_, err := d.Token()
	n.end = int(d.InputOffset())
	return n, err
}

// strings reads one string or a list of strings.
func (n node) strings() ([]string, bool) {
	if n.kind == '"' {
		return []string{n.text}, true
	}
	return n.list('"')
}

// withoutNulls is a list without the nulls in it, which IAM overlooks among
// resources.
func (n node) withoutNulls() node {
	if n.kind == '[' {
		n.items = slices.DeleteFunc(slices.Clone(n.items), func(item node) bool { return item.kind == 'n' })
	}
	return n
}

// scalars reads one string, number or boolean or a list of them.
func (n node) scalars() ([]string, bool) {
	if n.kind == '"' || n.kind == '0' {
		return []string{n.text}, true
	}
	return n.list('"', '0')
}

func (n node) list(kinds ...byte) ([]string, bool) {
	if n.kind != '[' {
		return nil, false
	}
	out := make([]string, 0, len(n.items))
	for _, item := range n.items {
		if !strings.ContainsRune(string(kinds), rune(item.kind)) {
			return nil, false
		}
		out = append(out, item.text)
	}
	return out, true
}
