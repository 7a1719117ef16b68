package wire_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"testing"

	"muster/internal/awsapi/wire"
	"muster/internal/awsapi/wiretest"
	"muster/internal/awsmodel"
	"pgregory.net/rapid"
)

// bodyOf is an example input of the operation, as its protocol writes it.
func bodyOf(codec *wire.Codec, m *awsmodel.Model, op *awsmodel.Operation, seed int) []byte {
	in := rapid.Custom(func(t *rapid.T) any { return wiretest.Input(t, m, op) }).Example(seed)
	if m.Protocol.Form() {
		return []byte(wiretest.Form(m, op, in).Encode())
	}
	body, err := codec.AppendJSON(nil, op.Input, in)
	if err != nil {
		panic(err)
	}
	return body
}

// FuzzDecode gives any bytes to the decoder of any operation's input: it must
// not panic, and what it accepts must come back when encoded and decoded again.
func FuzzDecode(f *testing.F) {
	services := wiretest.Services()
	codecs := make([]*wire.Codec, len(services))
	for i, s := range services {
		codecs[i] = wire.New(s.Model, wire.DefaultLimits())
		for j := range s.Operations {
			f.Add(uint8(i), uint8(j), bodyOf(codecs[i], s.Model, &s.Operations[j], i))
		}
	}
	f.Fuzz(func(t *testing.T, service, operation uint8, body []byte) {
		i := int(service) % len(services)
		s, codec := services[i], codecs[i]
		op := &s.Operations[int(operation)%len(s.Operations)]
		in := op.NewInput()
		if decodeAny(codec, s.Model, op, body, in) != nil {
			return
		}
		if s.Model.Protocol.Form() {
			codec.AppendXML(nil, op.Input, in)
			return
		}
		again, err := codec.AppendJSON(nil, op.Input, in)
		if err != nil || !json.Valid(again) {
			t.Fatalf("%s: %v: %q encodes as %q", op.Action(), err, body, again)
		}
		second := op.NewInput()
		if err := decodeAny(codec, s.Model, op, again, second); err != nil {
			t.Fatalf("%s: %q encodes as %q, which is refused: %v", op.Action(), body, again, err)
		}
		third, err := codec.AppendJSON(nil, op.Input, second)
		if err != nil || !bytes.Equal(again, third) {
			t.Fatalf("%s: %q encodes as %q, then %q", op.Action(), body, again, third)
		}
	})
}

func decodeAny(codec *wire.Codec, m *awsmodel.Model, op *awsmodel.Operation, body []byte, in any) error {
	switch m.Protocol {
	case awsmodel.Query, awsmodel.EC2:
		form, err := wire.ParseForm(string(body))
		if err != nil {
			return err
		}
		return codec.DecodeForm(op, form, in)
	case awsmodel.JSON11:
		return codec.DecodeJSON(op, body, in)
	}
	form, err := wire.ParseForm("tagKeys=a&scanType=PACKAGE&resourceType=AWS_EC2_INSTANCE&maxResults=5")
	if err != nil {
		return err
	}
	return codec.DecodeREST(op, &wire.RESTRequest{Path: map[string]string{"resourceArn": "arn:aws:inspector2"}, Query: form, Header: http.Header{}, Body: body}, in)
}

// FuzzJSON compares the scanner with encoding/json on any document.
func FuzzJSON(f *testing.F) {
	codec, op := findService(f, "inspector-scan")
	for _, s := range []string{`{}`, `[1,2.5e-3,"a\u00e9\n",true,null,{"k":[]}]`, `"\ud83d\ude00"`, `-0`, ` 1 `, `{"a":`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		in := op.NewInput()
		err := codec.DecodeJSON(op, append(append([]byte(`{"sbom":`), doc...), '}'), in)
		kept := reflect.ValueOf(in).Elem().FieldByName("Sbom").Interface().(json.RawMessage)
		if err == nil && kept != nil && !json.Valid(kept) {
			t.Errorf("%q was accepted as %q", doc, kept)
		}
		if err != nil && json.Valid(doc) && len(doc) < 100 && !bytes.ContainsAny(doc, "\\\xef") && bytes.Equal(bytes.ToValidUTF8(doc, nil), doc) {
			t.Errorf("%q was refused: %v", doc, err)
		}
	})
}

func findService(t testing.TB, service string) (*wire.Codec, *awsmodel.Operation) {
	for _, s := range wiretest.Services() {
		if s.Model.SigningName == service {
			return wire.New(s.Model, wire.DefaultLimits()), &s.Operations[0]
		}
	}
	t.Fatalf("no service %s", service)
	return nil, nil
}

// FuzzForm gives any text to the parser of forms.
func FuzzForm(f *testing.F) {
	f.Add("Action=ListUsers&Version=2010-05-08")
	f.Add("a=%41+b&&c")
	f.Fuzz(func(t *testing.T, text string) {
		form, err := wire.ParseForm(text)
		if err == nil && form.Len() > len(text) {
			t.Errorf("%q has %d parameters", text, form.Len())
		}
	})
}
