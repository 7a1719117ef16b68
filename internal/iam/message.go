package iam

import (
	"encoding/base64"
	"errors"
	"fmt"

	"muster/internal/arn"
)

// messageName is what sealed messages are bound to, besides their account.
const messageName = "authorization message "

// SealMessage makes a text about a refusal unreadable for everyone but those
// whom the account lets decode it.
func (k *Keys) SealMessage(account arn.AccountID, text string) string {
	return base64.RawURLEncoding.EncodeToString(k.keyring.Seal(messageName+string(account), []byte(text)))
}

// ErrMessage is OpenMessage's answer for texts that were not sealed here for
// the account.
var ErrMessage = errors.New("not an authorization message of this account")

// OpenMessage opens what SealMessage sealed for an account.
func (k *Keys) OpenMessage(account arn.AccountID, message string) (string, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(message)
	if err != nil {
		return "", ErrMessage
	}
	text, err := k.keyring.Open(messageName+string(account), sealed)
	if err != nil {
		return "", fmt.Errorf("%w: %v", ErrMessage, err)
	}
	return string(text), nil
}
