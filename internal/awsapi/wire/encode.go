package wire

import (
	"reflect"
	"time"

	"muster/internal/awsmodel"
)

// absent tells a member that is not sent: nil pointers, strings that are empty
// though an enumeration or a minimal length forbids it, and nil lists, maps and
// blobs that are not required. A required list or map is sent empty, because
// clients iterate over it. A required string may be absent: Inspector's states
// require an error that most of them do not have.
func absent(m *awsmodel.Member, s *awsmodel.Shape, v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil()
	case reflect.Slice:
		return v.IsNil() && (!m.Required || s.Kind == awsmodel.Document)
	case reflect.Map:
		return v.IsNil() && !m.Required
	case reflect.String:
		return v.Len() == 0 && (s.Enum != nil || s.HasMin && s.Min > 0)
	}
	return false
}

// behind follows the pointer of an optional member or of a structure.
func behind(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Pointer {
		return v.Elem()
	}
	return v
}

// instant is the time in a timestamp's value, in UTC.
func instant(v reflect.Value) time.Time {
	return v.Interface().(time.Time).UTC()
}
