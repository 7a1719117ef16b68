package command

import (
	"fmt"

	"github.com/spf13/cobra"
)

// NoArgs refuses stray arguments as wrong usage.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usage(fmt.Errorf("%s takes no argument %q", cmd.CommandPath(), args[0]))
	}
	return nil
}

// Exactly makes a check for exactly n arguments that says what they are.
func Exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return Usage(fmt.Errorf("%s takes %s", cmd.CommandPath(), what))
		}
		return nil
	}
}

// OneArgument wants exactly one.
func OneArgument(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return Usage(fmt.Errorf("%s takes one argument", cmd.CommandPath()))
	}
	return nil
}

// NeedCommand refuses what is no command of a group.
func NeedCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usage(fmt.Errorf("unknown command %q of %s", args[0], cmd.CommandPath()))
	}
	return nil
}

// Group is a command that only has others below it.
func Group(use, short, long, example string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: NeedCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
}
