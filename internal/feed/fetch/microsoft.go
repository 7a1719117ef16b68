package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"muster/internal/feed/layout"
)

// fetchMicrosoft follows the list of monthly documents: those whose date of
// change is not the one seen last are asked for again. The API answers XML to
// those who do not ask for JSON.
func fetchMicrosoft(ctx context.Context, s *session) error {
	s.client.Header = http.Header{"Accept": {"application/json"}}
	b, err := s.client.Text(ctx, s.at("updates"), maxText)
	if err != nil {
		return err
	}
	var list struct {
		Value []struct {
			ID      string `json:"ID"`
			Current string `json:"CurrentReleaseDate"`
		} `json:"value"`
	}
	if err := json.Unmarshal(b, &list); err != nil || len(list.Value) == 0 {
		return fmt.Errorf("%s: not a list of documents", s.at("updates"))
	}
	files := map[string]string{}
	var faults []error
	for _, month := range list.Value {
		if !safeName.MatchString(month.ID) {
			continue
		}
		file := layout.Microsoft(month.ID)
		files[file] = s.at("cvrf/" + month.ID)
		if month.Current != "" && s.mark(month.ID) == month.Current && s.known(file).Size > 0 {
			continue
		}
		_, err := s.put(ctx, files[file], file, expectation{})
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			faults = append(faults, err)
		default:
			s.setMark(month.ID, month.Current)
		}
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	return s.dropOthers(files)
}
