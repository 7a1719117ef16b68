package wire

import (
	"net/http"
	"reflect"
	"strings"

	"muster/internal/awsmodel"
)

// ErrorMembers encodes the members of an exception beside its message: in JSON
// as ",name:value" pairs, in query as elements. Members that travel in headers,
// such as Retry-After, come apart.
func (c *Codec) ErrorMembers(shape int, v reflect.Value, protocol awsmodel.Protocol) (members []byte, header map[string]string) {
	e := jsonEncoder{codec: c}
	s := &c.shapes[shape]
	for i := range s.Members {
		m := &s.Members[i]
		member, f := &c.shapes[m.Shape], v.Field(i)
		if absent(m, member.Shape, f) || strings.EqualFold(m.Name, "message") {
			continue
		}
		switch {
		case m.Location == awsmodel.InHeader:
			if header == nil {
				header = map[string]string{}
			}
			header[http.CanonicalHeaderKey(m.LocationName)] = string(xmlText(nil, member, behind(f)))
		case protocol.Form():
			members = c.xmlElement(members, m.Name, member, f)
		default:
			members = append(AppendString(append(members, ','), m.Name), ':')
			members = e.value(members, member, f)
		}
	}
	return members, header
}
