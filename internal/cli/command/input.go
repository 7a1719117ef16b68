package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"muster/internal/finding"

	"github.com/spf13/cobra"
)

// List splits a comma-separated flag; empty parts are no items.
func List(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// ScanTypes reads a list of scan types in any case of letters.
func ScanTypes(text string) []string {
	types := List(text)
	for i, t := range types {
		types[i] = strings.ToUpper(strings.ReplaceAll(t, "-", "_"))
	}
	return types
}

// Commas splits at commas only.
func Commas(text string) (items []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			items = append(items, part)
		}
	}
	return items
}

// maxDocument bounds what is read from a file, in bytes.
const maxDocument = 1 << 20

// Document is the JSON object of an argument, a file or standard input.
func Document(cmd *cobra.Command, argument string) (json.RawMessage, error) {
	body := []byte(argument)
	var err error
	if name, ok := strings.CutPrefix(argument, "@"); ok {
		body, err = os.ReadFile(name)
	} else if argument == "-" {
		body, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxDocument))
	}
	if err != nil {
		return nil, Usage(err)
	}
	if body = bytes.TrimSpace(body); !json.Valid(body) || len(body) == 0 || body[0] != '{' {
		return nil, Usage(fmt.Errorf("%.60q is not a JSON object", body))
	}
	return body, nil
}

// ReadSecret reads the first line of a file or of standard input.
func ReadSecret(cmd *cobra.Command, name string) (string, error) {
	const most = 64 << 10
	var body []byte
	var err error
	if name == "-" {
		body, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), most))
	} else {
		body, err = os.ReadFile(name)
	}
	if err != nil {
		return "", Usage(err)
	}
	line, _, _ := strings.Cut(string(body), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// FailOn reads --fail-on; empty means never.
func FailOn(text string) (finding.Severity, error) {
	s := finding.Severity(strings.ToUpper(text))
	if text != "" && s.Rank() < 0 {
		return "", Usage(fmt.Errorf("--fail-on: %q is none of critical, high, medium, low, informational, untriaged", text))
	}
	return s, nil
}
