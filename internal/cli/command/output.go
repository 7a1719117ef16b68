package command

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// PrintJSON writes a value for programs.
func PrintJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Output is the form that the user wants an answer in: text or json.
type Output struct{ Format string }

// Flag lets the user choose with --format.
func (o *Output) Flag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.Format, "format", "text", "form of the answer: text or json")
}

// Check refuses what is no form as wrong usage.
func (o *Output) Check() error {
	if o.Format != "text" && o.Format != "json" {
		return Usage(fmt.Errorf("--format: %q is neither text nor json", o.Format))
	}
	return nil
}

// Write writes an answer in that form.
func (o *Output) Write(w io.Writer, value any, text func(io.Writer) error) error {
	if o.Format == "text" {
		return text(w)
	}
	return PrintJSON(w, value)
}
