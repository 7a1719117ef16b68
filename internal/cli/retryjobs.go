package cli

import (
	"fmt"

	"muster/internal/cli/command"
	"muster/internal/server"

	"github.com/spf13/cobra"
)

func newRetryJobs(src *source) *cobra.Command {
	return &cobra.Command{
		Use:   "retry-jobs",
		Short: "Let jobs run again that failed too often",
		Long: `A job that fails again and again is put aside, and what it was to end stays as it is: a scan type in
ENABLING, for example. When the cause is mended, this lets all of them run again.`,
		Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return operate(cmd.Context(), src, func(op *server.Operator) error {
				n, err := op.RetryJobs(cmd.Context())
				if err == nil {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d jobs run again\n", n)
				}
				return err
			})
		},
	}
}
