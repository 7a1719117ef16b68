package bounded

import (
	"encoding/xml"
	"errors"
	"reflect"
	"strings"
	"testing"
)

type tree struct {
	Name  string `xml:"name,attr"`
	Text  string `xml:"text"`
	Trees []tree `xml:"urn:x tree"`
}

func TestXML(t *testing.T) {
	for _, text := range []string{
		`<?xml version="1.0"?><a xmlns="urn:x" name="n"><!-- c --><text>&lt;<![CDATA[x]]></text><tree name="1"><unknown><b/></unknown></tree><y:tree xmlns:y="urn:x"/></a>`,
		`<a><b></a>`, `<a>`, ``, `</a>`, `<a>&b;</a>`, `<!DOCTYPE a [<!ENTITY b "c">]><a><text>&b;</text></a>`,
		strings.Repeat("<a>", maxXMLDepth) + strings.Repeat("</a>", maxXMLDepth),
	} {
		var got, want tree
		err := XML(xml.NewDecoder(strings.NewReader(text))).Decode(&got)
		if plain := xml.NewDecoder(strings.NewReader(text)).Decode(&want); (err == nil) != (plain == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%.100s: %+v, %v; want %+v, %v", text, got, err, want, plain)
		}
	}
	var v tree
	if err := XML(xml.NewDecoder(strings.NewReader(strings.Repeat("<a>", 5_000_000)))).Decode(&v); !errors.Is(err, ErrTooMany) {
		t.Errorf("a million levels: %v", err)
	}
}
