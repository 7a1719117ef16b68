package cli

import (
	"muster/internal/cli/command"

	"github.com/spf13/cobra"
)

func newFault() *cobra.Command {
	var r command.Remote
	cmd := &cobra.Command{
		Use:   "fault",
		Short: "Make a test server fail on purpose",
		Long: `Tells a server with fault_injection switched on which calls, transitions and accounts are to fail. What
happens follows from the rules and the order of calls alone, so that a test that failed fails again.

Kinds: THROTTLING and SERVER_ERROR (service, operation, accountIds of callers, regions, retryAfterSeconds,
httpStatus), SLOW_TRANSITION (transition SCANS, MEMBER, ADMINISTRATOR_REMOVAL, ACCOUNT_CREATION,
ACCOUNT_CLOSURE or POLICY_TYPE; delayMilliseconds), ACCOUNT_FAILURE (errorCode of failedAccounts; action,
accountIds, regions, resourceTypes; with transition SCANS it fails in the end instead of at once) and
ACCOUNT_CREATION_FAILURE (errorCode, such as EMAIL_ALREADY_EXISTS). Of the events that match, skip lets the
first pass, every takes each n-th, percent so many of a hundred, evenly, times at most so many.`,
		Example: `  muster fault put '{"faultId":"slow-down","kind":"THROTTLING","service":"inspector2","operation":"ListMembers","times":2}'
  muster fault put '{"faultId":"ssm","kind":"ACCOUNT_FAILURE","errorCode":"SSM_THROTTLED","accountIds":["111122223333"],"times":1}'
  muster fault list
  muster fault delete slow-down`,
		Args: command.NeedCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	r.Flags(cmd)
	cmd.AddCommand(
		&cobra.Command{Use: "put JSON|@FILE|-", Short: "Set a fault, with its counters at zero", Args: command.OneArgument, RunE: func(cmd *cobra.Command, args []string) error {
			rule, err := command.Document(cmd, args[0])
			if err != nil {
				return err
			}
			return r.Raw(cmd, "PutFault", rule)
		}},
		&cobra.Command{Use: "list", Short: "List the faults and how often they have struck", Args: command.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return r.Raw(cmd, "ListFaults", struct{}{})
		}},
		&cobra.Command{Use: "delete ID", Short: "Delete a fault", Args: command.OneArgument, RunE: func(cmd *cobra.Command, args []string) error {
			return r.Raw(cmd, "DeleteFault", map[string]string{"faultId": args[0]})
		}},
	)
	return cmd
}
