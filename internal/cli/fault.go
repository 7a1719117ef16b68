package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func newFault() *cobra.Command {
	var r remote
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
		Args: needCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	r.flags(cmd)
	cmd.AddCommand(
		&cobra.Command{Use: "put JSON|@FILE|-", Short: "Set a fault, with its counters at zero", Args: oneArgument, RunE: func(cmd *cobra.Command, args []string) error {
			rule, err := document(cmd, args[0])
			if err != nil {
				return err
			}
			return r.raw(cmd, "PutFault", rule)
		}},
		&cobra.Command{Use: "list", Short: "List the faults and how often they have struck", Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return r.raw(cmd, "ListFaults", struct{}{})
		}},
		&cobra.Command{Use: "delete ID", Short: "Delete a fault", Args: oneArgument, RunE: func(cmd *cobra.Command, args []string) error {
			return r.raw(cmd, "DeleteFault", map[string]string{"faultId": args[0]})
		}},
	)
	return cmd
}

func oneArgument(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("%s takes one argument", cmd.CommandPath())}
	}
	return nil
}

// maxDocument bounds what is read from a file, in bytes.
const maxDocument = 1 << 20

// document is the JSON object of an argument, a file or standard input.
func document(cmd *cobra.Command, argument string) (json.RawMessage, error) {
	body := []byte(argument)
	var err error
	if name, ok := strings.CutPrefix(argument, "@"); ok {
		body, err = os.ReadFile(name)
	} else if argument == "-" {
		body, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxDocument))
	}
	if err != nil {
		return nil, usageError{err}
	}
	if body = bytes.TrimSpace(body); !json.Valid(body) || len(body) == 0 || body[0] != '{' {
		return nil, usageError{fmt.Errorf("%.60q is not a JSON object", body)}
	}
	return body, nil
}

// raw calls an operation and prints what it answers.
func (r *remote) raw(cmd *cobra.Command, operation string, in any) error {
	c, err := r.open(cmd)
	if err != nil {
		return err
	}
	var out json.RawMessage
	if err := c.Call(cmd.Context(), operation, in, &out); err != nil {
		return invalidInput(err)
	}
	return printJSON(cmd.OutOrStdout(), out)
}
