package livetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Message is a request before it is signed.
type Message struct {
	Service, Method, Path, Body string
	Header                      map[string]string
}

// Message puts an input on the wire as the model says. The input is made of
// map[string]any, []any, string, float64, int and bool; timestamps are seconds
// since 1970, blobs are text. What the model does not know is sent all the same.
func (m *Model) Message(operation string, in map[string]any) (Message, error) {
	op := m.Operations[operation]
	if op == nil {
		return Message{}, fmt.Errorf("%s has no operation %s", m.Service(), operation)
	}
	switch m.Metadata.Protocol {
	case "query", "ec2":
		form := url.Values{"Action": {operation}, "Version": {m.Metadata.APIVersion}}
		m.form(op.Input, in, "", form)
		return Message{m.Service(), http.MethodPost, "/", form.Encode(), header("application/x-www-form-urlencoded")}, nil
	case "json":
		body, err := document(in)
		h := header("application/x-amz-json-1.1")
		h["X-Amz-Target"] = m.Metadata.TargetPrefix + "." + operation
		return Message{m.Service(), http.MethodPost, "/", body, h}, err
	}
	return m.rest(op, in)
}

func header(contentType string) map[string]string {
	return map[string]string{"Content-Type": contentType}
}

func document(in map[string]any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if in == nil {
		in = map[string]any{}
	}
	err := e.Encode(in)
	return b.String(), err
}

func (m *Model) rest(op *Operation, in map[string]any) (Message, error) {
	path, query, body := op.HTTP.RequestURI, url.Values{}, map[string]any{}
	for name, value := range in {
		member := m.shape(op.Input).Members[name]
		switch {
		case member == nil || member.Location == "":
			body[name] = value
		case member.Location == "uri":
			path = strings.NewReplacer("{"+member.LocationName+"}", url.PathEscape(text(value)), "{"+member.LocationName+"+}", url.PathEscape(text(value))).Replace(path)
		case member.Location == "querystring":
			if list, ok := value.([]any); ok {
				for _, v := range list {
					query.Add(member.LocationName, text(v))
				}
			} else {
				query.Set(member.LocationName, text(value))
			}
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	msg := Message{Service: m.Service(), Method: op.HTTP.Method, Path: path, Header: header("application/json")}
	if op.HTTP.Method == http.MethodGet || op.HTTP.Method == http.MethodDelete {
		msg.Header = nil
		return msg, nil
	}
	var err error
	msg.Body, err = document(body)
	return msg, err
}

// shape returns a shape, an empty structure for none.
func (m *Model) shape(name string) *Shape {
	if s := m.Shapes[name]; s != nil {
		return s
	}
	return &Shape{Type: "structure"}
}

// form writes a value as the parameters of a query request.
func (m *Model) form(shape string, value any, name string, out url.Values) {
	s := m.shape(shape)
	switch value := value.(type) {
	case map[string]any:
		i := 0
		for _, key := range sorted(value) {
			i++
			switch member := s.Members[key]; {
			case s.Type == "map":
				entry := fmt.Sprintf("%s.entry.%d", name, i)
				out.Set(entry+".key", key)
				m.form(s.Value.Shape, value[key], entry+".value", out)
			case member == nil:
				m.form("", value[key], join(name, key), out)
			default:
				m.form(member.Shape, value[key], join(name, key), out)
			}
		}
	case []any:
		if len(value) == 0 {
			out.Set(name, "")
		}
		of := ""
		if s.Member != nil {
			of = s.Member.Shape
		}
		for i, v := range value {
			m.form(of, v, fmt.Sprintf("%s%s%d", name, m.position(), i+1), out)
		}
	default:
		if seconds, ok := value.(float64); ok && s.Type == "timestamp" {
			value = time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339)
		}
		out.Set(name, text(value))
	}
}

// Form reports whether requests are forms and answers XML.
func (m *Model) Form() bool { return m.Metadata.Protocol == "query" || m.Metadata.Protocol == "ec2" }

// position stands between a list's name and an element's number.
func (m *Model) position() string {
	if m.Metadata.Protocol == "ec2" {
		return "."
	}
	return ".member."
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "." + b
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
