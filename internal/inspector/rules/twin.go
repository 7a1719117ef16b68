package rules

import "reflect"

// twin copies a value into the type that another service's model has of it: the
// two were made from the same shapes, so their members are the same, in the
// same order.
func twin[T any](in any) *T {
	v := reflect.ValueOf(in)
	if v.IsNil() {
		return nil
	}
	out := new(T)
	copyTo(reflect.ValueOf(out).Elem(), v.Elem())
	return out
}

func copyTo(to, from reflect.Value) {
	switch {
	case from.Type() == to.Type():
		to.Set(from)
	case from.Kind() == reflect.Struct:
		for i := range from.NumField() {
			copyTo(to.Field(i), from.Field(i))
		}
	case from.Kind() == reflect.Slice:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			copyTo(to.Index(i), from.Index(i))
		}
	case from.Kind() == reflect.Pointer:
		if from.IsNil() {
			return
		}
		to.Set(reflect.New(to.Type().Elem()))
		copyTo(to.Elem(), from.Elem())
	default:
		to.Set(from.Convert(to.Type()))
	}
}
