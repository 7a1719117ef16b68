package cli

import (
	"log/slog"

	"muster/internal/cli/feedscmd"
	"muster/internal/server"

	"github.com/spf13/cobra"
)

// newFeeds works on the state of a configuration, beside a running server or
// without one.
func newFeeds() *cobra.Command {
	var src source
	cmd := feedscmd.New(func(cmd *cobra.Command) (feedscmd.State, error) {
		cfg, err := src.load()
		if err != nil {
			return feedscmd.State{}, err
		}
		st, err := server.OpenStore(cmd.Context(), cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			return feedscmd.State{}, err
		}
		// What was read is what matters; closing cannot lose anything.
		return feedscmd.State{Store: st, Dir: cfg.AdvisoryDir(), Source: cfg.Feeds, Close: func() { _ = st.Close() }}, nil
	})
	src.flags(cmd)
	return cmd
}
