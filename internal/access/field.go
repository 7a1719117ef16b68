package access

import (
	"reflect"
	"strings"
)

// Inputs are generated structures whose members have the same names and
// meanings throughout a service; reading them by name says once per service
// what hundreds of cases would say.

// field is a text member of an input: its value, or empty when the input has
// no such member or it is not set.
func field(in any, name string) string {
	v := member(in, name)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}

func member(in any, name string) reflect.Value {
	v := reflect.ValueOf(in)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return v.FieldByName(name)
}

// tagsOf reads an input's tags, from a map or a list of keys and values.
func tagsOf(in any) map[string]string {
	v := member(in, "Tags")
	tags := map[string]string{}
	switch v.Kind() {
	case reflect.Map:
		for key, value := range v.Seq2() {
			if value.Kind() == reflect.String {
				tags[key.String()] = value.String()
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			item := v.Index(i).Interface()
			if key := field(item, "Key"); key != "" {
				tags[key] = field(item, "Value")
			}
		}
	}
	return tags
}

// listOf reads a list of texts.
func listOf(in any, name string) []string {
	v := member(in, name)
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() != reflect.String {
		return nil
	}
	out := make([]string, v.Len())
	for i := range out {
		out[i] = v.Index(i).String()
	}
	return out
}

// keysOf gives the condition keys that describe an input.
func keysOf(in any) map[string][]string {
	keys := map[string][]string{}
	for tag, value := range tagsOf(in) {
		keys["aws:RequestTag/"+tag] = []string{value}
		keys["aws:TagKeys"] = append(keys["aws:TagKeys"], tag)
	}
	keys["aws:TagKeys"] = append(keys["aws:TagKeys"], listOf(in, "TagKeys")...)
	for _, k := range []struct{ key, member string }{
		{"organizations:ServicePrincipal", "ServicePrincipal"},
		{"organizations:PolicyType", "PolicyType"},
		{"iam:AWSServiceName", "AWSServiceName"},
		{"iam:PolicyARN", "PolicyArn"},
		{"iam:PermissionsBoundary", "PermissionsBoundary"},
		{"sts:ExternalId", "ExternalId"},
		{"sts:RoleSessionName", "RoleSessionName"},
		{"sts:SourceIdentity", "SourceIdentity"},
	} {
		if v := field(in, k.member); v != "" {
			keys[k.key] = []string{v}
		}
	}
	if v := listOf(in, "TransitiveTagKeys"); len(v) > 0 {
		keys["sts:TransitiveTagKeys"] = v
	}
	if task := member(in, "TaskPolicyArn"); task.Kind() == reflect.Pointer && !task.IsNil() {
		keys["sts:TaskPolicyArn"] = []string{field(task.Interface(), "Arn")}
	}
	// ListPolicies and CreatePolicy of Organizations name the type so.
	for _, name := range []string{"Filter", "Type"} {
		if v := field(in, name); strings.HasSuffix(v, "_POLICY") {
			keys["organizations:PolicyType"] = []string{v}
		}
	}
	return keys
}
