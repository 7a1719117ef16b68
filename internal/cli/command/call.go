package command

import (
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"
)

// Raw calls an operation and prints what it answers.
func (r *Remote) Raw(cmd *cobra.Command, operation string, in any) error {
	c, err := r.Open(cmd)
	if err != nil {
		return err
	}
	var out json.RawMessage
	if err := c.Call(cmd.Context(), operation, in, &out); err != nil {
		return InvalidInput(err)
	}
	return PrintJSON(cmd.OutOrStdout(), out)
}

// Simple is a command whose arguments become the members of one call.
func (r *Remote) Simple(use, short, operation string, members ...string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short,
		Args: Exactly(len(members), strings.Join(strings.Fields(use)[1:], " ")),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := map[string]string{}
			for i, m := range members {
				in[m] = args[i]
			}
			return r.Raw(cmd, operation, in)
		}}
}
