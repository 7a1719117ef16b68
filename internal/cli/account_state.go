package cli

import (
	"fmt"
	"strings"

	"muster/internal/arn"
	"muster/internal/cli/command"
	"muster/internal/server"

	"github.com/spf13/cobra"
)

func newSetAccountState(src *source) *cobra.Command {
	return &cobra.Command{
		Use:   "set-account-state ACCOUNT STATE",
		Short: "Suspend, reinstate, close an account, or leave its sign-up unfinished",
		Long: `Puts an account into the state ACTIVE, SUSPENDED, PENDING_ACTIVATION or CLOSED. A suspended or closed account's
keys do not work, and its scans rest. A closed account can be made ACTIVE again for 90 days.`,
		Example: `  muster admin set-account-state 123456789012 SUSPENDED`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 || !arn.AccountID(args[0]).Valid() {
				return command.Usage(fmt.Errorf("%s takes a 12-digit account id and a state", cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return operate(cmd.Context(), src, func(op *server.Operator) error {
				return op.SetAccountState(cmd.Context(), arn.AccountID(args[0]), strings.ToUpper(args[1]))
			})
		},
	}
}
