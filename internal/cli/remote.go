package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"muster/internal/client"

	"github.com/spf13/cobra"
)

// remote are the flags of commands that talk to a server as AWS clients do.
type remote struct {
	options client.Options
	format  string
}

func (r *remote) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&r.options.Profile, "profile", "", "profile of the AWS configuration (default $AWS_PROFILE)")
	f.StringVar(&r.options.Region, "region", "", "Region to ask in (default $AWS_REGION, else the profile's)")
	f.StringVar(&r.options.Endpoint, "endpoint-url", "", "address of the server (default $AWS_ENDPOINT_URL, else the profile's, else "+client.DefaultEndpoint+")")
	f.StringVar(&r.format, "format", "text", "text or json")
}

// open reads the AWS configuration; what is wrong with it is wrong usage.
func (r *remote) open(cmd *cobra.Command) (*client.Client, error) {
	if r.format != "text" && r.format != "json" {
		return nil, usageError{fmt.Errorf("--format: %q is neither text nor json", r.format)}
	}
	c, err := client.Open(cmd.Context(), r.options)
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// exitCode ends the process with a code and no message of its own.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// invalidInput makes wrong usage of what the server says is wrong input.
func invalidInput(err error) error {
	refusal, ok := errors.AsType[*client.Error](err)
	if ok && refusal.Code == "ValidationException" {
		return usageError{errors.New(refusal.Message)}
	}
	return err
}

// printJSON writes a value for programs.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// list splits a comma-separated flag; empty parts are no items.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// scanTypes reads a list of scan types in any case of letters.
func scanTypes(text string) []string {
	types := list(text)
	for i, t := range types {
		types[i] = strings.ToUpper(strings.ReplaceAll(t, "-", "_"))
	}
	return types
}
