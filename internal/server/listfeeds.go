package server

import (
	"context"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/store"
	"muster/internal/store/feeds"
)

// feedDesk answers for the state of the advisories, which every caller may
// know: an answer of "no findings" depends on it.
type feedDesk struct{ store *store.Store }

func (d *feedDesk) addHandlers(h *muster.Handlers) { h.ListFeeds = d.listFeeds }

func (d *feedDesk) listFeeds(ctx context.Context, _ *awsmodel.Call, _ *muster.ListFeedsInput) (*muster.ListFeedsOutput, error) {
	out := &muster.ListFeedsOutput{}
	err := d.store.View(ctx, func(tx *store.Tx) error {
		list, err := feeds.Sources(ctx, tx)
		out.Feeds = make([]muster.Feed, 0, len(list))
		for _, s := range list {
			f := muster.Feed{Source: s.Name, Status: feedStatus(s.Status), Records: int64(s.Records)}
			if s.Reason != "" {
				f.Reason = &s.Reason
			}
			if !s.ImportedAt.IsZero() {
				f.ImportedAt = &s.ImportedAt
			}
			if !s.PublishedAt.IsZero() {
				f.PublishedAt = &s.PublishedAt
			}
			out.Feeds = append(out.Feeds, f)
		}
		return err
	})
	return out, err
}

func feedStatus(s feeds.Status) muster.FeedStatus {
	switch s {
	case feeds.StatusCurrent:
		return muster.FeedStatusCurrent
	case feeds.StatusRejected:
		return muster.FeedStatusRejected
	case feeds.StatusUnreachable:
		return muster.FeedStatusUnreachable
	}
	return muster.FeedStatusAbsent
}
