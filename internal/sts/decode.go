package sts

import (
	"context"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/sts"
)

// DecodeAuthorizationMessage opens a message about a refusal that muster sealed
// for the account that asks.
func (s *Service) DecodeAuthorizationMessage(_ context.Context, call *awsmodel.Call, in *api.DecodeAuthorizationMessageInput) (*api.DecodeAuthorizationMessageOutput, error) {
	text, err := s.keys.OpenMessage(call.Account(), in.EncodedMessage)
	if err != nil {
		return nil, &api.InvalidAuthorizationMessageException{Message: "Message is not valid"}
	}
	return &api.DecodeAuthorizationMessageOutput{DecodedMessage: &text}, nil
}
