package cli

import (
	"context"
	"errors"
	"fmt"

	"muster/internal/arn"
	"muster/internal/cli/command"
	"muster/internal/server"

	"github.com/spf13/cobra"
)

// newAdmin holds what only an operator may do: it works on the store itself,
// beside a running server or without one.
func newAdmin() *cobra.Command {
	var src source
	cmd := &cobra.Command{
		Use:   "admin",
		Short: "What only the operator may do",
		Long:  `Works on the store directly, with the operator's files: whoever can run it can do everything.`,
		Args:  command.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	src.flags(cmd)
	cmd.AddCommand(newCreateAccount(&src), newIssueKey(&src), newRetireKeys(&src), newSetAccountState(&src), newOptOut(&src), newOptIn(&src), newRetryJobs(&src), newSignIn(&src), newVerify(&src), newBackup(&src), newRestore(&src))
	return cmd
}

// operate opens the operator's hand on the store for one command.
func operate(ctx context.Context, src *source, do func(*server.Operator) error) error {
	cfg, err := src.load()
	if err != nil {
		return err
	}
	op, err := server.OpenOperator(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(do(op), op.Close())
}

func newCreateAccount(src *source) *cobra.Command {
	var name, email string
	cmd := &cobra.Command{
		Use:     "create-account",
		Short:   "Create a stand-alone account and print its root access key once",
		Example: `  muster admin create-account --name management --email ops@example.com`,
		Args:    command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" || email == "" {
				return command.Usage(fmt.Errorf("--name and --email are needed"))
			}
			return operate(cmd.Context(), src, func(op *server.Operator) error {
				id, err := op.CreateAccount(cmd.Context(), name, email)
				if err != nil {
					return err
				}
				return printRootKey(cmd, op, id)
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the account's name")
	cmd.Flags().StringVar(&email, "email", "", "the account's e-mail address, unique in this installation")
	return cmd
}

func newIssueKey(src *source) *cobra.Command {
	return &cobra.Command{
		Use:     "issue-key ACCOUNT",
		Short:   "Issue a root access key of an account and print it once",
		Example: `  muster admin issue-key 123456789012`,
		Args:    oneAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			return operate(cmd.Context(), src, func(op *server.Operator) error {
				return printRootKey(cmd, op, arn.AccountID(args[0]))
			})
		},
	}
}

func newRetireKeys(src *source) *cobra.Command {
	return &cobra.Command{
		Use:   "retire-keys ACCOUNT",
		Short: "Delete every root access key of an account",
		Args:  oneAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			return operate(cmd.Context(), src, func(op *server.Operator) error {
				return op.RetireRootKeys(cmd.Context(), arn.AccountID(args[0]))
			})
		},
	}
}

func newSignIn(src *source) *cobra.Command {
	var user, region string
	cmd := &cobra.Command{
		Use:   "sign-in ACCOUNT",
		Short: "Print a one-time link that signs a browser in to the console",
		Long: `Prints a link to the console of the configured address. It works once, within an hour, and signs in as
the given IAM user of the account, or as its root user.`,
		Example: `  muster admin sign-in 123456789012 --user analyst`,
		Args:    oneAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := src.load()
			if err != nil {
				return err
			}
			return operate(cmd.Context(), src, func(op *server.Operator) error {
				ticket, err := op.SignInTicket(cmd.Context(), arn.AccountID(args[0]), user, region)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), server.SignInLink(cfg, ticket))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "name of an IAM user (default the root user)")
	cmd.Flags().StringVar(&region, "region", "us-east-1", "Region that the console opens in")
	return cmd
}

func oneAccount(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || !arn.AccountID(args[0]).Valid() {
		return command.Usage(fmt.Errorf("%s takes one 12-digit account id", cmd.CommandPath()))
	}
	return nil
}

func printRootKey(cmd *cobra.Command, op *server.Operator, id arn.AccountID) error {
	key, err := op.IssueRootKey(cmd.Context(), id)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "account               %s\naws_access_key_id     %s\naws_secret_access_key %s\n", id, key.ID, key.Secret)
	return nil
}
