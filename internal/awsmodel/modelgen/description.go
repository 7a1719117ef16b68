package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// description is the committed form of a service's interface.
type description struct {
	Metadata   metadata             `json:"metadata"`
	Operations map[string]operation `json:"operations"`
	Pagination map[string]paging    `json:"pagination,omitempty"`
	Shapes     map[string]shape     `json:"shapes"`
}

type metadata struct {
	APIVersion     string `json:"apiVersion"`
	EndpointPrefix string `json:"endpointPrefix"`
	JSONVersion    string `json:"jsonVersion,omitempty"`
	Protocol       string `json:"protocol"`
	ServiceID      string `json:"serviceId"`
	SigningName    string `json:"signingName,omitempty"`
	TargetPrefix   string `json:"targetPrefix,omitempty"`
	XMLNamespace   string `json:"xmlNamespace,omitempty"`
}

type operation struct {
	Errors        []string `json:"errors,omitempty"`
	HTTP          binding  `json:"http"`
	Input         string   `json:"input,omitempty"`
	Output        string   `json:"output,omitempty"`
	ReadOnly      bool     `json:"readonly,omitempty"`
	ResultWrapper string   `json:"resultWrapper,omitempty"`
	Unsigned      bool     `json:"unsigned,omitempty"`
}

type binding struct {
	Method       string `json:"method"`
	RequestURI   string `json:"requestUri"`
	ResponseCode int    `json:"responseCode,omitempty"`
}

type paging struct {
	InputToken  string `json:"input_token,omitempty"`
	Limit       string `json:"limit_key,omitempty"`
	OutputToken string `json:"output_token,omitempty"`
}

type shape struct {
	Document  bool            `json:"document,omitempty"`
	Enum      []string        `json:"enum,omitempty"`
	Error     *errorInfo      `json:"error,omitempty"`
	Exception bool            `json:"exception,omitempty"`
	Fault     bool            `json:"fault,omitempty"`
	Key       *ref            `json:"key,omitempty"`
	Max       *float64        `json:"max,omitempty"`
	Member    *ref            `json:"member,omitempty"`
	Members   orderedMap[ref] `json:"members,omitzero"`
	Min       *float64        `json:"min,omitempty"`
	Pattern   string          `json:"pattern,omitempty"`
	Required  []string        `json:"required,omitempty"`
	Sensitive bool            `json:"sensitive,omitempty"`
	Type      string          `json:"type"`
	Union     bool            `json:"union,omitempty"`
	Value     *ref            `json:"value,omitempty"`
}

type errorInfo struct {
	Code           string `json:"code,omitempty"`
	HTTPStatusCode int    `json:"httpStatusCode,omitempty"`
}

type ref struct {
	IdempotencyToken bool   `json:"idempotencyToken,omitempty"`
	Location         string `json:"location,omitempty"`
	LocationName     string `json:"locationName,omitempty"`
	Shape            string `json:"shape"`
}

// readDescription reads strictly: a key that the generator does not know could
// carry a constraint that would then be dropped in silence.
func readDescription(path string) (*description, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	d := new(description)
	if err := dec.Decode(d); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}
