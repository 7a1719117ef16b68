package cli

import (
	"log/slog"

	"muster/internal/cli/feedscmd"
	"muster/internal/config"
	"muster/internal/server"

	"github.com/spf13/cobra"
)

// newFeeds works on the state of a configuration, beside a running server or
// without one.
func newFeeds() *cobra.Command {
	var src source
	settings := func(cfg config.Config) (feedscmd.Settings, error) {
		fetching, err := server.Fetching(cfg)
		return feedscmd.Settings{Source: cfg.Feeds, Fetch: fetching, Trust: cfg.FeedsTrust}, err
	}
	cmd := feedscmd.New(feedscmd.Openers{
		State: func(cmd *cobra.Command) (feedscmd.State, error) {
			cfg, err := src.load()
			if err != nil {
				return feedscmd.State{}, err
			}
			s, err := settings(cfg)
			if err != nil {
				return feedscmd.State{}, err
			}
			st, err := server.OpenStore(cmd.Context(), cfg, slog.New(slog.DiscardHandler))
			if err != nil {
				return feedscmd.State{}, err
			}
			// What was read is what matters; closing cannot lose anything.
			return feedscmd.State{Settings: s, Store: st, Dir: cfg.AdvisoryDir(), Close: func() { _ = st.Close() }}, nil
		},
		Settings: func(*cobra.Command) (feedscmd.Settings, error) {
			cfg, err := src.load()
			if err != nil {
				return feedscmd.Settings{}, err
			}
			return settings(cfg)
		},
	})
	src.flags(cmd)
	return cmd
}
