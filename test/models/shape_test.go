package models

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"muster/test/livetest"
)

// conform lists where an answer does not have the shape that its operation
// declares.
func conform(m *livetest.Model, operation string, a livetest.Answer) []string {
	op := m.Operations[operation]
	c := conformer{m: m}
	switch m.Metadata.Protocol {
	case "query":
		return c.query(operation, a)
	case "ec2":
		return c.ec2(operation, a)
	}
	if op.Output == "" {
		if body := strings.TrimSpace(a.Body); body != "" && body != "{}" {
			return []string{"has a body: " + body}
		}
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(a.Body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil && (err != io.EOF || len(m.Shapes[op.Output].Required) > 0) {
		return []string{"is no JSON: " + err.Error()}
	}
	if v == nil {
		v = map[string]any{}
	}
	c.check(op.Output, v, "")
	return c.wrong
}

type conformer struct {
	m     *livetest.Model
	wrong []string
}

func (c *conformer) say(at, format string, args ...any) {
	c.wrong = append(c.wrong, at+": "+fmt.Sprintf(format, args...))
}

// check compares a JSON value, or what an XML one was turned into.
func (c *conformer) check(shape string, v any, at string) {
	sh := c.m.Shapes[shape]
	if sh.Document {
		return
	}
	switch sh.Type {
	case "structure":
		c.structure(sh, v, at)
	case "list":
		list, ok := v.([]any)
		if !ok {
			c.say(at, "%T, not a list", v)
			return
		}
		c.length(sh, len(list), at)
		for i, item := range list {
			c.check(sh.Member.Shape, item, fmt.Sprintf("%s[%d]", at, i))
		}
	case "map":
		object, ok := v.(map[string]any)
		if !ok {
			c.say(at, "%T, not a map", v)
			return
		}
		for key, value := range object {
			c.text(c.m.Shapes[sh.Key.Shape], key, at+"."+key)
			c.check(sh.Value.Shape, value, at+"."+key)
		}
	default:
		c.scalar(sh, v, at)
	}
}

func (c *conformer) structure(sh *livetest.Shape, v any, at string) {
	object, ok := v.(map[string]any)
	if !ok {
		c.say(at, "%T, not a structure", v)
		return
	}
	for name, value := range object {
		member := sh.Members[name]
		if member == nil {
			c.say(at, "unknown member %s", name)
			continue
		}
		if value == nil {
			c.say(at, "%s is null", name)
			continue
		}
		c.check(member.Shape, value, joined(at, name))
	}
	for _, name := range sh.Required {
		if _, ok := object[name]; !ok && sh.Members[name].Location == "" {
			c.say(at, "required member %s is missing", name)
		}
	}
	if sh.Union && len(object) != 1 {
		c.say(at, "a union with %d members", len(object))
	}
}

func (c *conformer) length(sh *livetest.Shape, n int, at string) {
	if sh.Min != nil && float64(n) < *sh.Min || sh.Max != nil && float64(n) > *sh.Max {
		c.say(at, "length %d is outside the model's bounds", n)
	}
}

func (c *conformer) scalar(sh *livetest.Shape, v any, at string) {
	switch sh.Type {
	case "string":
		s, ok := v.(string)
		if !ok {
			c.say(at, "%T, not a string", v)
			return
		}
		c.text(sh, s, at)
	case "boolean":
		if _, ok := v.(bool); !ok {
			c.say(at, "%T, not a boolean", v)
		}
	case "blob":
		if _, ok := v.(string); !ok {
			c.say(at, "%T, not a blob", v)
		}
	case "timestamp", "integer", "long", "double":
		n, ok := v.(json.Number)
		if !ok {
			c.say(at, "%T, not a number", v)
			return
		}
		c.number(sh, n, at)
	}
}

func (c *conformer) number(sh *livetest.Shape, n json.Number, at string) {
	f, err := n.Float64()
	if err != nil {
		c.say(at, "%v", err)
		return
	}
	if _, err := n.Int64(); err != nil && (sh.Type == "integer" || sh.Type == "long") {
		c.say(at, "%s is no integer", n)
	}
	if sh.Type != "timestamp" && (sh.Min != nil && f < *sh.Min || sh.Max != nil && f > *sh.Max) {
		c.say(at, "%v is outside the model's bounds", f)
	}
}

func (c *conformer) text(sh *livetest.Shape, s, at string) {
	if len(sh.Enum) > 0 && !slices.Contains(sh.Enum, s) {
		c.say(at, "%q is not in the enumeration", s)
		return
	}
	c.length(sh, utf8.RuneCountInString(s), at)
	if re := expression(sh.Pattern); sh.Pattern != "" && re != nil && !re.MatchString(s) {
		c.say(at, "%q breaks the pattern %s", s, sh.Pattern)
	}
}

// element is an element of an XML answer.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

func (c *conformer) query(operation string, a livetest.Answer) []string {
	var root element
	if err := xml.Unmarshal([]byte(a.Body), &root); err != nil {
		return []string{"is no XML: " + err.Error()}
	}
	op := c.m.Operations[operation]
	if root.XMLName.Local != operation+"Response" || root.XMLName.Space != c.m.Metadata.XMLNamespace {
		c.say("", "the root is %v", root.XMLName)
	}
	var result *element
	id := false
	for i, child := range root.Children {
		switch child.XMLName.Local {
		case op.ResultWrapper:
			result = &root.Children[i]
		case "ResponseMetadata":
			id = len(child.Children) == 1 && child.Children[0].XMLName.Local == "RequestId"
		default:
			c.say("", "unknown element %s", child.XMLName.Local)
		}
	}
	if !id {
		c.say("", "no RequestId")
	}
	switch {
	case op.Output == "" && result != nil:
		c.say("", "a result that the model does not declare")
	case op.Output != "" && result == nil:
		c.say("", "no %s", op.ResultWrapper)
	case op.Output != "":
		c.check(op.Output, c.tree(op.Output, *result, operation), "")
	}
	return c.wrong
}

// ec2 looks at an answer whose members stand beside the request's id.
func (c *conformer) ec2(operation string, a livetest.Answer) []string {
	var root element
	if err := xml.Unmarshal([]byte(a.Body), &root); err != nil {
		return []string{"is no XML: " + err.Error()}
	}
	if root.XMLName.Local != operation+"Response" || root.XMLName.Space != c.m.Metadata.XMLNamespace {
		c.say("", "the root is %v", root.XMLName)
	}
	if len(root.Children) == 0 || root.Children[0].XMLName.Local != "requestId" {
		return append(c.wrong, "no requestId")
	}
	root.Children = root.Children[1:]
	output := c.m.Operations[operation].Output
	c.check(output, c.tree(output, root, operation), "")
	return c.wrong
}

// tree turns an element into what the same value would be in JSON.
func (c *conformer) tree(shape string, e element, at string) any {
	sh := c.m.Shapes[shape]
	switch sh.Type {
	case "structure":
		out := map[string]any{}
		for _, child := range e.Children {
			name := child.XMLName.Local
			if _, twice := out[name]; twice {
				c.say(at, "%s is there twice", name)
			}
			out[name] = ""
			if member := sh.Members[name]; member != nil {
				out[name] = c.tree(member.Shape, child, joined(at, name))
			}
		}
		return out
	case "list":
		list := []any{}
		for _, child := range e.Children {
			if child.XMLName.Local != map[bool]string{true: "item", false: "member"}[c.m.Metadata.Protocol == "ec2"] {
				c.say(at, "%s in a list", child.XMLName.Local)
			}
			list = append(list, c.tree(sh.Member.Shape, child, at))
		}
		return list
	case "map":
		return c.entries(sh, e, at)
	}
	return c.leaf(sh, e.Text, at)
}

func (c *conformer) entries(sh *livetest.Shape, e element, at string) any {
	out := map[string]any{}
	for _, entry := range e.Children {
		if len(entry.Children) != 2 {
			c.say(at, "an entry with %d elements", len(entry.Children))
			continue
		}
		out[entry.Children[0].Text] = c.tree(sh.Value.Shape, entry.Children[1], at)
	}
	return out
}

func (c *conformer) leaf(sh *livetest.Shape, text, at string) any {
	switch sh.Type {
	case "boolean":
		b, err := strconv.ParseBool(text)
		if err != nil {
			c.say(at, "%q is no boolean", text)
		}
		return b
	case "integer", "long", "double":
		return json.Number(text)
	case "timestamp":
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			c.say(at, "%v", err)
		}
		return json.Number(strconv.FormatInt(t.Unix(), 10))
	}
	return text
}
