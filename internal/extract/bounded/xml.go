package bounded

import (
	"encoding/xml"
	"fmt"
)

// maxXMLDepth bounds how deep elements of XML may nest.
const maxXMLDepth = 1000

// XML is the decoder with a bound on the depth of elements: encoding/xml keeps
// all that are open, also of what it skips. Whatever is set on the decoder
// has to be set before.
func XML(d *xml.Decoder) *xml.Decoder { return xml.NewTokenDecoder(&shallow{decoder: d}) }

// shallow gives the tokens of a decoder.
type shallow struct {
	decoder *xml.Decoder
	depth   int
}

// Token implements xml.TokenReader. The decoder around it checks that elements
// are closed as they were opened.
func (s *shallow) Token() (xml.Token, error) {
	t, err := s.decoder.RawToken()
	switch t.(type) {
	case xml.StartElement:
		if s.depth++; s.depth > maxXMLDepth {
			return nil, fmt.Errorf("%w: elements nest deeper than %d", ErrTooMany, maxXMLDepth)
		}
	case xml.EndElement:
		s.depth--
	}
	return t, err
}
