package cli

import (
	"fmt"

	"muster/internal/arn"
	"muster/internal/cli/command"
	"muster/internal/server"

	"github.com/spf13/cobra"
)

func newOptOut(src *source) *cobra.Command {
	return optIn(src, false, "opt-out ACCOUNT REGION", "Let an account opt out of a Region",
		`Lets an account opt out of a Region: its scans are suspended there, and its administrator sees it as
REGION_DISABLED. Every account begins with all Regions.`)
}

func newOptIn(src *source) *cobra.Command {
	return optIn(src, true, "opt-in ACCOUNT REGION", "Let an account opt in to a Region again", `Undoes opt-out.`)
}

func optIn(src *source, in bool, use, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 || !arn.AccountID(args[0]).Valid() {
				return command.Usage(fmt.Errorf("%s takes a 12-digit account id and a Region", cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return operate(cmd.Context(), src, func(op *server.Operator) error {
				return op.OptIn(cmd.Context(), arn.AccountID(args[0]), arn.Region(args[1]), in)
			})
		},
	}
}
