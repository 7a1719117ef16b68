package wire

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"muster/internal/awsmodel"
)

// jsonEncoder writes shapes as JSON.
type jsonEncoder struct {
	codec *Codec
	// audit writes every member wherever it travels, and hides sensitive ones.
	audit bool
	err   error
}

// AppendJSON appends the members of a structure that travel in bodies. The
// value is the structure or a pointer to it. An error means that the value
// holds a document that is not JSON.
func (c *Codec) AppendJSON(dst []byte, shape int, value any) ([]byte, error) {
	e := jsonEncoder{codec: c}
	dst = e.structure(dst, &c.shapes[shape], behind(reflect.ValueOf(value)))
	return dst, e.err
}

// AppendAudit appends a structure for the audit log: all members, with
// sensitive values hidden as AWS's records do.
func (c *Codec) AppendAudit(dst []byte, shape int, value any) ([]byte, error) {
	e := jsonEncoder{codec: c, audit: true}
	dst = e.structure(dst, &c.shapes[shape], behind(reflect.ValueOf(value)))
	return dst, e.err
}

// hiddenText stands for sensitive values in audit records.
const hiddenText = `"HIDDEN_DUE_TO_SECURITY_REASONS"`

func (e *jsonEncoder) structure(dst []byte, s *compiled, v reflect.Value) []byte {
	dst = append(dst, '{')
	first := true
	for i := range s.Members {
		m := &s.Members[i]
		member, f := &e.codec.shapes[m.Shape], v.Field(i)
		if m.Location != awsmodel.InBody && !e.audit || absent(m, member.Shape, f) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, '"')
		dst = append(dst, m.Name...)
		dst = append(dst, '"', ':')
		dst = e.value(dst, member, f)
	}
	return append(dst, '}')
}

func (e *jsonEncoder) value(dst []byte, s *compiled, v reflect.Value) []byte {
	if e.audit && s.Sensitive {
		return append(dst, hiddenText...)
	}
	v = behind(v)
	switch s.Kind {
	case awsmodel.Structure:
		return e.structure(dst, s, v)
	case awsmodel.List:
		return e.list(dst, s, v)
	case awsmodel.Map:
		return e.mapping(dst, s, v)
	case awsmodel.String:
		return AppendString(dst, v.String())
	case awsmodel.Integer, awsmodel.Long:
		return strconv.AppendInt(dst, v.Int(), 10)
	case awsmodel.Double:
		return appendDouble(dst, v.Float())
	case awsmodel.Boolean:
		return strconv.AppendBool(dst, v.Bool())
	case awsmodel.Timestamp:
		return appendEpoch(dst, instant(v))
	case awsmodel.Blob:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
		return append(dst, '"')
	}
	return e.document(dst, v)
}

func (e *jsonEncoder) list(dst []byte, s *compiled, v reflect.Value) []byte {
	elem := &e.codec.shapes[s.Elem]
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = e.value(dst, elem, v.Index(i))
	}
	return append(dst, ']')
}

// mapping writes the entries in the order of their keys, so that equal answers
// are equal bytes.
func (e *jsonEncoder) mapping(dst []byte, s *compiled, v reflect.Value) []byte {
	elem := &e.codec.shapes[s.Elem]
	dst = append(dst, '{')
	for i, k := range sortedKeys(v) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendString(dst, k.String()), ':')
		dst = e.value(dst, elem, v.MapIndex(k))
	}
	return append(dst, '}')
}

func sortedKeys(m reflect.Value) []reflect.Value {
	byText := make(map[string]reflect.Value, m.Len())
	for _, k := range m.MapKeys() {
		byText[k.String()] = k
	}
	keys := make([]reflect.Value, 0, len(byText))
	for _, text := range slices.Sorted(maps.Keys(byText)) {
		keys = append(keys, byText[text])
	}
	return keys
}

func (e *jsonEncoder) document(dst []byte, v reflect.Value) []byte {
	raw := v.Interface().(json.RawMessage)
	if !json.Valid(raw) {
		e.err = errors.Join(e.err, fmt.Errorf("a document of %d bytes is not JSON", len(raw)))
		return append(dst, "null"...)
	}
	return append(dst, raw...)
}

// appendEpoch writes seconds since 1970, with milliseconds where there are any.
func appendEpoch(dst []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms%1000 == 0 {
		return strconv.AppendInt(dst, ms/1000, 10)
	}
	if ms < 0 {
		dst, ms = append(dst, '-'), -ms
	}
	dst = strconv.AppendInt(dst, ms/1000, 10)
	frac := ms % 1000
	return append(dst, '.', byte('0'+frac/100), byte('0'+frac/10%10), byte('0'+frac%10))
}

// appendDouble writes a number; what JSON has no number for becomes a string,
// as AWS's protocols do.
func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

const hexDigits = "0123456789abcdef"

// AppendString quotes a string; bytes that are not UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		dst = appendEscape(append(dst, s[start:i]...), c)
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
