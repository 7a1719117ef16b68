package wire

import (
	"encoding/base64"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"muster/internal/awsmodel"
)

// AppendXML appends the members of a structure as the query protocol writes
// them, without an element around them. The value is the structure or a
// pointer to it.
func (c *Codec) AppendXML(dst []byte, shape int, value any) []byte {
	return c.xmlStructure(dst, &c.shapes[shape], behind(reflect.ValueOf(value)))
}

func (c *Codec) xmlStructure(dst []byte, s *compiled, v reflect.Value) []byte {
	for i := range s.Members {
		m := &s.Members[i]
		member, f := &c.shapes[m.Shape], v.Field(i)
		if !absent(m, member.Shape, f) {
			dst = c.xmlElement(dst, m.Name, member, f)
		}
	}
	return dst
}

func (c *Codec) xmlElement(dst []byte, name string, s *compiled, v reflect.Value) []byte {
	dst = AppendTag(dst, name)
	v = behind(v)
	switch s.Kind {
	case awsmodel.Structure:
		dst = c.xmlStructure(dst, s, v)
	case awsmodel.List:
		elem := &c.shapes[s.Elem]
		for i := range v.Len() {
			dst = c.xmlElement(dst, c.element, elem, v.Index(i))
		}
	case awsmodel.Map:
		dst = c.xmlMap(dst, s, v)
	default:
		dst = xmlText(dst, s, v)
	}
	return AppendEndTag(dst, name)
}

func (c *Codec) xmlMap(dst []byte, s *compiled, v reflect.Value) []byte {
	key, elem := &c.shapes[s.Key], &c.shapes[s.Elem]
	for _, k := range sortedKeys(v) {
		dst = AppendTag(dst, "entry")
		dst = c.xmlElement(dst, "key", key, k)
		dst = c.xmlElement(dst, "value", elem, v.MapIndex(k))
		dst = AppendEndTag(dst, "entry")
	}
	return dst
}

func xmlText(dst []byte, s *compiled, v reflect.Value) []byte {
	switch s.Kind {
	case awsmodel.Integer, awsmodel.Long:
		return strconv.AppendInt(dst, v.Int(), 10)
	case awsmodel.Double:
		return strconv.AppendFloat(dst, v.Float(), 'g', -1, 64)
	case awsmodel.Boolean:
		return strconv.AppendBool(dst, v.Bool())
	case awsmodel.Timestamp:
		return appendISO(dst, instant(v))
	case awsmodel.Blob:
		return base64.StdEncoding.AppendEncode(dst, v.Bytes())
	}
	return AppendText(dst, v.String())
}

// appendISO writes a timestamp in ISO 8601, with milliseconds where there are
// any.
func appendISO(dst []byte, t time.Time) []byte {
	layout := "2006-01-02T15:04:05Z"
	if t.Nanosecond() >= int(time.Millisecond) {
		layout = "2006-01-02T15:04:05.000Z"
	}
	return t.AppendFormat(dst, layout)
}

// AppendTag appends a start tag.
func AppendTag(dst []byte, name string) []byte {
	return append(append(append(dst, '<'), name...), '>')
}

// AppendEndTag appends an end tag.
func AppendEndTag(dst []byte, name string) []byte {
	return append(append(append(dst, '<', '/'), name...), '>')
}

// AppendText appends character data; what XML cannot carry becomes U+FFFD.
func AppendText(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '"':
			dst = append(dst, "&quot;"...)
		case r == '\r':
			dst = append(dst, "&#xD;"...)
		case r == '\n' || r == '\t':
			dst = append(dst, byte(r))
		case r < 0x20 || r == 0xFFFE || r == 0xFFFF || r == utf8.RuneError && size == 1:
			dst = append(dst, "\ufffd"...)
		default:
			dst = append(dst, s[i:i+size]...)
		}
		i += size
	}
	return dst
}
