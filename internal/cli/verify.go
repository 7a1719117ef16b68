package cli

import (
	"fmt"
	"time"

	"muster/internal/cli/command"
	"muster/internal/server"

	"github.com/spf13/cobra"
)

func newVerify(src *source) *cobra.Command {
	var mend bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Count anew what is kept as numbers, and tell what differs",
		Long: `Counts everything anew that is kept beside its source: findings per account, severity and type, the groups
of all aggregations, inventories and where they are referred to, what filters can ask of resources, the contents of
findings. It reads all findings and may run beside a server. The exit status is 1 where something differed that was
not mended.`,
		Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return operate(cmd.Context(), src, func(op *server.Operator) error {
				op.Progress = accountsVerified(cmd)
				v, err := op.Verify(cmd.Context(), mend)
				if err != nil {
					return err
				}
				for _, w := range v.Wrong {
					fmt.Fprintln(cmd.OutOrStdout(), w)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d accounts and %d resources verified, %d differences\n", v.Accounts, v.Resources, len(v.Wrong))
				if len(v.Wrong) > 0 && !mend {
					return fmt.Errorf("%d numbers are not what was counted; --mend replaces them", len(v.Wrong))
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&mend, "mend", false, "replace what differs by what was counted")
	return cmd
}

// saidEvery is how often something is said of work that takes long.
const saidEvery = 10 * time.Second

// accountsVerified tells on standard error how far a verification is.
func accountsVerified(cmd *cobra.Command) func(done, of int) {
	last := time.Now()
	return func(done, of int) {
		if time.Since(last) >= saidEvery {
			last = time.Now()
			fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d accounts\n", done, of)
		}
	}
}

func newBackup(src *source) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a snapshot of the store to a file",
		Long: `Writes everything that the store holds, as it is at one moment, to a file that does not exist yet; servers may
run meanwhile. Secrets in it stay sealed: keep the key (data folder, or wherever it is configured) elsewhere.`,
		Example: `  muster admin backup muster-2026-11-22.backup`,
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return operate(cmd.Context(), src, func(op *server.Operator) error {
				rows, err := op.Backup(cmd.Context(), args[0])
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%d rows written to %s\n", rows, args[0])
				}
				return err
			})
		},
	}
}

func newRestore(src *source) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Read a backup into an empty store of either kind",
		Long: `Reads a backup into the configured store, which must be new and empty; it may be of another kind than the one
that was backed up. All of it is restored or nothing. The key that the backed up store was used with must be in place
first. Advisories are no part of a backup: start the server and fetch them.`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return operate(cmd.Context(), src, func(op *server.Operator) error {
				rows, err := op.Restore(cmd.Context(), args[0])
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%d rows restored\n", rows)
				}
				return err
			})
		},
	}
}

func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return command.Usage(fmt.Errorf("%s takes one file", cmd.CommandPath()))
	}
	return nil
}
