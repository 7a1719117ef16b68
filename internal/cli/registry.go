package cli

import (
	"errors"
	"fmt"

	"muster/internal/cli/command"

	"github.com/spf13/cobra"
)

func newRegistry() *cobra.Command {
	var r command.Remote
	cmd := &cobra.Command{
		Use:   "registry",
		Short: "Connect an account to container registries",
		Long: `Connects the account that calls, in one Region, to container registries, so that what is pushed there is scanned.

A registry tells of pushes, pulls and deletions at the connection's notificationPath on this server, with the
notificationToken that "create" prints once: as a bearer token (distribution's notifications, zot), as the whole
Authorization header (Harbor's webhooks), or as the password of basic authentication or the header X-Muster-Token
(EventBridge API destinations for the events of ECR). Registries that tell nothing are polled with --poll.`,
		Example: `  muster registry create --name hub --url https://registry.example.com --username robot --password-file robot.txt
  muster registry create --name old --url https://old.example.com --poll 900 --repositories team/app,team/web
  muster registry list
  muster registry test ID`,
		Args: command.NeedCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	r.Flags(cmd)
	cmd.AddCommand(newRegistryCreate(&r), newRegistryUpdate(&r),
		&cobra.Command{Use: "list", Short: "List the connections", Args: command.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return r.Raw(cmd, "ListRegistryConnections", struct{}{})
		}},
		byConnection(&r, "test", "Ask a registry now whether it answers", "TestRegistryConnection"),
		byConnection(&r, "delete", "End a connection; its images go, and their findings close", "DeleteRegistryConnection"),
	)
	return cmd
}

func byConnection(r *command.Remote, use, short, operation string) *cobra.Command {
	return &cobra.Command{Use: use + " ID", Short: short, Args: command.OneArgument, RunE: func(cmd *cobra.Command, args []string) error {
		return r.Raw(cmd, operation, map[string]string{"connectionId": args[0]})
	}}
}

// registryFlags are what create and update have in common.
type registryFlags struct {
	name, user, passwordFile, repositories string
	poll                                   int32
}

func (f *registryFlags) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "name of the connection")
	flags.StringVar(&f.user, "username", "", "user of the registry, best one that may only read")
	flags.StringVar(&f.passwordFile, "password-file", "", "file with the password, - for standard input")
	flags.StringVar(&f.repositories, "repositories", "", "repositories to poll, separated by commas (default the registry's catalogue)")
	flags.Int32Var(&f.poll, "poll", 0, "how often to look through the registry, in seconds; 0 only once")
}

// input is what was given of the flags.
func (f *registryFlags) input(cmd *cobra.Command) (map[string]any, error) {
	in := map[string]any{}
	for flag, v := range map[string]any{"name": f.name, "username": f.user, "repositories": command.List(f.repositories), "poll": f.poll} {
		if cmd.Flags().Changed(flag) {
			if flag == "poll" {
				flag = "pollSeconds"
			}
			in[flag] = v
		}
	}
	if f.passwordFile == "" {
		return in, nil
	}
	password, err := command.ReadSecret(cmd, f.passwordFile)
	in["password"] = password
	return in, err
}

func newRegistryCreate(r *command.Remote) *cobra.Command {
	var f registryFlags
	var address, prefix string
	cmd := &cobra.Command{Use: "create", Short: "Connect to a registry", Args: command.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if f.name == "" || address == "" {
			return command.Usage(errors.New("--name and --url are needed"))
		}
		in, err := f.input(cmd)
		if err != nil {
			return err
		}
		if in["url"] = address; prefix != "" {
			in["prefix"] = prefix
		}
		return r.Raw(cmd, "CreateRegistryConnection", in)
	}}
	f.flags(cmd)
	cmd.Flags().StringVar(&address, "url", "", "address of the registry, such as https://registry.example.com")
	cmd.Flags().StringVar(&prefix, "prefix", "", `put before the names of its repositories, such as "hub/"`)
	return cmd
}

func newRegistryUpdate(r *command.Remote) *cobra.Command {
	var f registryFlags
	var rotate bool
	cmd := &cobra.Command{Use: "update ID", Short: "Change a connection, all but its address", Args: command.OneArgument, RunE: func(cmd *cobra.Command, args []string) error {
		in, err := f.input(cmd)
		if err != nil {
			return err
		}
		if in["connectionId"] = args[0]; rotate {
			in["rotateToken"] = true
		}
		if len(in) == 1 {
			return command.Usage(fmt.Errorf("nothing is to be changed: see %s --help", cmd.CommandPath()))
		}
		return r.Raw(cmd, "UpdateRegistryConnection", in)
	}}
	f.flags(cmd)
	cmd.Flags().BoolVar(&rotate, "rotate-token", false, "make a new token for notifications; the old one ends")
	return cmd
}
