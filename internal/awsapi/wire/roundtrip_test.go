package wire_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"muster/internal/awsapi/wire"
	"muster/internal/awsapi/wiretest"
	"muster/internal/awsmodel"
	"pgregory.net/rapid"
)

// TestInputsRoundTrip draws valid inputs of every operation of every service,
// puts them on the wire as a client would, and decodes them again: equal, and
// without a violation.
func TestInputsRoundTrip(t *testing.T) {
	for _, s := range wiretest.Services() {
		codec := wire.New(s.Model, wire.DefaultLimits())
		t.Run(s.Model.Name, rapid.MakeCheck(func(t *rapid.T) {
			op := &s.Operations[rapid.IntRange(0, len(s.Operations)-1).Draw(t, "operation")]
			in := wiretest.Input(t, s.Model, op)
			got, err := roundTrip(codec, s.Model, op, in)
			if err != nil {
				t.Fatalf("%s: %v", op.Action(), err)
			}
			if !reflect.DeepEqual(got, in) {
				t.Fatalf("%s: got %s, want %s", op.Action(), asJSON(got), asJSON(in))
			}
		}))
	}
}

func roundTrip(codec *wire.Codec, m *awsmodel.Model, op *awsmodel.Operation, in any) (any, error) {
	got := op.NewInput()
	switch m.Protocol {
	case awsmodel.Query, awsmodel.EC2:
		form, err := wire.ParseForm(wiretest.Form(m, op, in).Encode())
		if err != nil {
			return nil, err
		}
		return got, codec.DecodeForm(op, form, got)
	case awsmodel.JSON11:
		body, err := codec.AppendJSON(nil, op.Input, in)
		if err != nil {
			return nil, err
		}
		return got, codec.DecodeJSON(op, body, got)
	}
	body, err := codec.AppendJSON(nil, op.Input, in)
	if err != nil {
		return nil, err
	}
	path, query, _ := strings.Cut(wiretest.Path(m, op, in), "?")
	form, err := wire.ParseForm(query)
	if err != nil {
		return nil, err
	}
	r := &wire.RESTRequest{Query: form, Header: http.Header{}, Body: body, Path: map[string]string{}}
	if at := strings.Index(op.Path, "{"); at >= 0 {
		value, err := url.PathUnescape(path[at:])
		if err != nil {
			return nil, err
		}
		r.Path[strings.Trim(op.Path[at:], "{}")] = value
	}
	return got, codec.DecodeREST(op, r, got)
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// TestOutputsEncode draws outputs of every operation: JSON that encoding/json
// reads, XML that encoding/xml reads, and the same bytes every time.
func TestOutputsEncode(t *testing.T) {
	for _, s := range wiretest.Services() {
		codec := wire.New(s.Model, wire.DefaultLimits())
		t.Run(s.Model.Name, rapid.MakeCheck(func(t *rapid.T) {
			op := s.Operations[rapid.IntRange(0, len(s.Operations)-1).Draw(t, "operation")]
			// The output as the input of an imaginary operation.
			echo := op
			echo.Input = op.Output
			out := reflect.New(outputType(op)).Interface()
			wiretest.Fill(t, s.Model, op.Output, reflect.ValueOf(out).Elem())
			if s.Model.Protocol.Form() {
				wellFormed(t, append(append([]byte("<r>"), codec.AppendXML(nil, op.Output, out)...), "</r>"...))
				return
			}
			body, err := codec.AppendJSON(nil, op.Output, out)
			if err != nil || !json.Valid(body) {
				t.Fatalf("%s: %v in %s", op.Action(), err, body)
			}
			got := reflect.New(outputType(op)).Interface()
			if err := codec.DecodeJSON(&echo, body, got); err != nil {
				t.Fatalf("%s: %v in %s", op.Action(), err, body)
			}
			if !reflect.DeepEqual(got, out) {
				t.Fatalf("%s: got %s, want %s", op.Action(), asJSON(got), body)
			}
			again, err := codec.AppendJSON(nil, op.Output, out)
			if err != nil || string(again) != string(body) {
				t.Fatalf("%s encodes in two ways: %s and %s", op.Action(), body, again)
			}
		}))
	}
}

func wellFormed(t *rapid.T, doc []byte) {
	dec := xml.NewDecoder(strings.NewReader(string(doc)))
	for {
		_, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
	}
}
