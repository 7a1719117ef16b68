package networkcmd

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"muster/internal/cli/command"

	"github.com/spf13/cobra"
)

// collectorCommands are those about a server's collectors.
func collectorCommands() []*cobra.Command {
	var r command.Remote
	commands := []*cobra.Command{
		newCollectorCreate(&r), newCollectorUpdate(&r),
		{Use: "list", Short: "List the collectors of an account", Args: command.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return r.Raw(cmd, "ListNetworkCollectors", struct{}{})
		}},
		{Use: "status", Short: "List the accounts whose networks are known, since when, and what went wrong", Args: command.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return r.Raw(cmd, "ListNetworkSnapshots", struct{}{})
		}},
		byCollector(&r, "start", "Read the facts of a collector's accounts now", "StartNetworkCollection"),
		byCollector(&r, "delete", "End a collector; the facts stay", "DeleteNetworkCollector"),
	}
	for _, c := range commands {
		r.Flags(c)
	}
	return commands
}

func byCollector(r *command.Remote, use, short, operation string) *cobra.Command {
	return &cobra.Command{Use: use + " ID", Short: short, Args: command.OneArgument, RunE: func(cmd *cobra.Command, args []string) error {
		return r.Raw(cmd, operation, map[string]string{"collectorId": args[0]})
	}}
}

// collectorFlags are what create and update have in common.
type collectorFlags struct {
	name, role, regions, accounts, key, secretFile string
	interval                                       int32
}

func (f *collectorFlags) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "name of the collector")
	flags.StringVar(&f.role, "role", "", "role to assume in each account, with its path")
	flags.StringVar(&f.regions, "regions", "", "Regions, separated by commas (default the caller's)")
	flags.StringVar(&f.accounts, "accounts", "", "accounts, separated by commas; ID=AWSID where AWS knows one by another id (default all that the caller answers for)")
	flags.StringVar(&f.key, "access-key-id", "", "access key that assumes the roles (default the server's own credentials, where its operator allows that)")
	flags.StringVar(&f.secretFile, "secret-key-file", "", "file with the key's secret, - for standard input")
	flags.Int32Var(&f.interval, "interval", 0, "seconds between two rounds (default 3600)")
}

// input is what was given of the flags.
func (f *collectorFlags) input(cmd *cobra.Command) (map[string]any, error) {
	in := map[string]any{}
	for name, v := range map[string]any{"name": f.name, "roleName": f.role, "intervalSeconds": f.interval, "accessKeyId": f.key} {
		flag := map[string]string{"roleName": "role", "intervalSeconds": "interval", "accessKeyId": "access-key-id"}[name]
		if flag == "" {
			flag = name
		}
		if cmd.Flags().Changed(flag) {
			in[name] = v
		}
	}
	if f.regions != "" {
		in["regions"] = command.List(f.regions)
	}
	if cmd.Flags().Changed("accounts") {
		in["accounts"] = targetsOf(f.accounts)
	}
	if f.secretFile == "" {
		return in, nil
	}
	secret, err := command.ReadSecret(cmd, f.secretFile)
	in["secretAccessKey"] = secret
	return in, err
}

func targetsOf(text string) []map[string]string {
	all := []map[string]string{}
	for _, a := range command.List(text) {
		id, aws, other := strings.Cut(a, "=")
		t := map[string]string{"accountId": id}
		if other {
			t["awsAccountId"] = aws
		}
		all = append(all, t)
	}
	return all
}

func newCollectorCreate(r *command.Remote) *cobra.Command {
	var f collectorFlags
	var external string
	cmd := &cobra.Command{Use: "create", Short: "Have a server read the facts of accounts from AWS at an interval", Args: command.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if f.name == "" || f.role == "" {
			return command.Usage(errors.New("--name and --role are needed"))
		}
		in, err := f.input(cmd)
		if err != nil {
			return err
		}
		if external != "" {
			maps.Copy(in, map[string]any{"externalId": external})
		}
		return r.Raw(cmd, "CreateNetworkCollector", in)
	}}
	f.flags(cmd)
	cmd.Flags().StringVar(&external, "external-id", "", "external id that the roles ask for (default a new one, which the answer tells)")
	return cmd
}

func newCollectorUpdate(r *command.Remote) *cobra.Command {
	var f collectorFlags
	cmd := &cobra.Command{Use: "update ID", Short: "Change a collector, all but its external id", Args: command.OneArgument, RunE: func(cmd *cobra.Command, args []string) error {
		in, err := f.input(cmd)
		if err != nil {
			return err
		}
		if in["collectorId"] = args[0]; len(in) == 1 {
			return command.Usage(fmt.Errorf("nothing is to be changed: see %s --help", cmd.CommandPath()))
		}
		return r.Raw(cmd, "UpdateNetworkCollector", in)
	}}
	f.flags(cmd)
	return cmd
}
