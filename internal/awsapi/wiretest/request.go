package wiretest

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/ec2"
	"muster/internal/awsmodel/ecr"
	"muster/internal/awsmodel/iam"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/inspectorscan"
	"muster/internal/awsmodel/muster"
	"muster/internal/awsmodel/organizations"
	"muster/internal/awsmodel/sts"
)

func services() []awsmodel.Service {
	return []awsmodel.Service{
		ec2.Handlers{}.Service(), ecr.Handlers{}.Service(), iam.Handlers{}.Service(), inspector2.Handlers{}.Service(), inspectorscan.Handlers{}.Service(),
		muster.Handlers{}.Service(), organizations.Handlers{}.Service(), sts.Handlers{}.Service(),
	}
}

// Form writes a value as the parameters of a query request.
func Form(m *awsmodel.Model, op *awsmodel.Operation, in any) url.Values {
	out := url.Values{"Action": {op.Name}, "Version": {m.Version}}
	form(m, op.Input, reflect.ValueOf(in).Elem(), "", out)
	return out
}

func form(m *awsmodel.Model, shape int, v reflect.Value, name string, out url.Values) {
	s := &m.Shapes[shape]
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch s.Kind {
	case awsmodel.Structure:
		for i, mem := range s.Members {
			if f := v.Field(i); !unset(f, &m.Shapes[mem.Shape], mem.Required) {
				form(m, mem.Shape, f, join(name, mem.Name), out)
			}
		}
	case awsmodel.List:
		if v.Len() == 0 {
			out.Set(name, "")
		}
		for i := range v.Len() {
			form(m, s.Elem, v.Index(i), name+position(m)+itoa(i+1), out)
		}
	default:
		out.Set(name, Text(s, v))
	}
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "." + b
}

func unset(v reflect.Value, s *awsmodel.Shape, required bool) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return v.IsNil()
	case reflect.String:
		return s.Enum != nil && v.Len() == 0
	}
	return false
}

// Text is a plain value as text: in forms, paths, query strings.
func Text(s *awsmodel.Shape, v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch s.Kind {
	case awsmodel.Integer, awsmodel.Long:
		return strconv.FormatInt(v.Int(), 10)
	case awsmodel.Double:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case awsmodel.Boolean:
		return strconv.FormatBool(v.Bool())
	case awsmodel.Timestamp:
		return v.Interface().(time.Time).Format(time.RFC3339Nano)
	case awsmodel.Blob:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	}
	return v.String()
}

// Path is the escaped path and the query string of a REST operation.
func Path(m *awsmodel.Model, op *awsmodel.Operation, in any) string {
	path, query := op.Path, url.Values{}
	v := reflect.ValueOf(in).Elem()
	s := &m.Shapes[op.Input]
	for i, mem := range s.Members {
		member := &m.Shapes[mem.Shape]
		switch f := v.Field(i); {
		case mem.Location == awsmodel.InPath:
			path = strings.Replace(path, "{"+mem.LocationName+"}", url.PathEscape(Text(member, f)), 1)
		case mem.Location == awsmodel.InQuery && !unset(f, member, mem.Required):
			query[mem.LocationName] = texts(m, member, f)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

func texts(m *awsmodel.Model, s *awsmodel.Shape, v reflect.Value) []string {
	if s.Kind != awsmodel.List {
		return []string{Text(s, v)}
	}
	var out []string
	for i := range v.Len() {
		out = append(out, Text(&m.Shapes[s.Elem], v.Index(i)))
	}
	return out
}

func itoa(i int) string { return fmt.Sprint(i) }

// position stands between a list's name and an element's number.
func position(m *awsmodel.Model) string {
	if m.Protocol == awsmodel.EC2 {
		return "."
	}
	return ".member."
}
