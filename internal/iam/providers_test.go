package iam_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	api "muster/internal/awsmodel/iam"
)

func TestOpenIDConnectProviders(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		print := strings.Repeat("a", 40)
		create := api.CreateOpenIDConnectProviderInput{
			Url: "https://token.example.com/tenant?x=1", ClientIDList: []string{"sts", "sts", "web"}, ThumbprintList: []string{print},
			Tags: []api.Tag{{Key: "team", Value: "blue"}},
		}
		name := *do(w, w.CreateOpenIDConnectProvider, create).OpenIDConnectProviderArn
		if name != "arn:aws:iam::111111111111:oidc-provider/token.example.com/tenant" {
			t.Errorf("created %s", name)
		}
		refuse(w, w.CreateOpenIDConnectProvider, create, "EntityAlreadyExists", "Provider with url https://token.example.com/tenant?x=1 already exists.")
		for _, bad := range []string{"token.example.com", "ftp://example.com", "https://", "https://ada@example.com", "https://example.com/#f", "https://%zz"} {
			refuse(w, w.CreateOpenIDConnectProvider, api.CreateOpenIDConnectProviderInput{Url: bad}, "InvalidInput", "Invalid Open ID Connect Provider URL")
		}
		create.Url, create.ThumbprintList = "https://b.example.com", []string{print, print, print, print, print, print}
		refuse(w, w.CreateOpenIDConnectProvider, create, "InvalidInput", "Thumbprint list must contain fewer than 5 entries.")
		create.ThumbprintList = nil
		for i := range 101 {
			create.ClientIDList = append(create.ClientIDList, fmt.Sprint(i))
		}
		refuse(w, w.CreateOpenIDConnectProvider, create, "LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")

		get := api.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: name}
		for range 2 { // twice is once
			do(w, w.AddClientIDToOpenIDConnectProvider, api.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: name, ClientID: "cli"})
			do(w, w.RemoveClientIDFromOpenIDConnectProvider, api.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: name, ClientID: "web"})
		}
		do(w, w.UpdateOpenIDConnectProviderThumbprint, api.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: name, ThumbprintList: []string{}})
		do(w, w.TagOpenIDConnectProvider, api.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: name, Tags: []api.Tag{{Key: "cost", Value: "1"}}})
		do(w, w.UntagOpenIDConnectProvider, api.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: name, TagKeys: []string{"team"}})
		p := do(w, w.GetOpenIDConnectProvider, get)
		if *p.Url != "token.example.com/tenant?x=1" || fmt.Sprint(p.ClientIDList) != "[sts cli]" || p.ThumbprintList == nil || len(p.ThumbprintList) != 0 ||
			fmt.Sprint(p.Tags) != "[{cost 1}]" || !p.CreateDate.Equal(w.now) {
			t.Errorf("got %+v", p)
		}
		if tags := do(w, w.ListOpenIDConnectProviderTags, api.ListOpenIDConnectProviderTagsInput{OpenIDConnectProviderArn: name}).Tags; len(tags) != 1 {
			t.Errorf("tags %v", tags)
		}
		do(w, w.CreateOpenIDConnectProvider, api.CreateOpenIDConnectProviderInput{Url: "http://a.example.com"})
		all := do(w, w.ListOpenIDConnectProviders, api.ListOpenIDConnectProvidersInput{}).OpenIDConnectProviderList
		if len(all) != 2 || *all[0].Arn != "arn:aws:iam::111111111111:oidc-provider/a.example.com" || *all[1].Arn != name {
			t.Errorf("listed %v", all)
		}
		if n := do(w, w.GetAccountSummary, api.GetAccountSummaryInput{}).SummaryMap[api.SummaryKeyTypeProviders]; n != 2 {
			t.Errorf("%d providers", n)
		}
		for range 2 { // one that is gone is no error
			do(w, w.DeleteOpenIDConnectProvider, api.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: name})
		}
		refuse(w, w.GetOpenIDConnectProvider, get, "NoSuchEntity", "OpenIDConnect Provider not found for arn "+name)
		for _, other := range []string{"arn:aws:iam::111111111111:user/ada", "arn:aws:iam::111111111111:saml-provider/x", "not an ARN, but long enough"} {
			refuse(w, w.GetOpenIDConnectProvider, api.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: other}, "InvalidInput", "Invalid ARN: "+other)
		}
		foreign := "arn:aws:iam::222222222222:oidc-provider/a.example.com"
		refuse(w, w.GetOpenIDConnectProvider, api.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: foreign}, "NoSuchEntity", "OpenIDConnect Provider not found for arn "+foreign)
	})
}

func TestSAMLProviders(t *testing.T) {
	const key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
	metadata := func(attributes string) string {
		return `<?xml version="1.0"?><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com" ` + attributes + `>` +
			strings.Repeat("<!-- padding -->", 70) + `<IDPSSODescriptor/></EntityDescriptor>`
	}
	each(t, func(t *testing.T, w *world) {
		create := api.CreateSAMLProviderInput{Name: "corp", SAMLMetadataDocument: metadata(""), AddPrivateKey: new(key), Tags: []api.Tag{{Key: "a", Value: "1"}}}
		name := *do(w, w.CreateSAMLProvider, create).SAMLProviderArn
		if name != "arn:aws:iam::111111111111:saml-provider/corp" {
			t.Errorf("created %s", name)
		}
		refuse(w, w.CreateSAMLProvider, create, "EntityAlreadyExists", "SAMLProvider with name corp already exists.")
		for _, bad := range []string{strings.Repeat("a", 1000), strings.Replace(metadata(""), "</Entity", "</entity", 1), "<x>" + metadata("")[22:] + "</x>", metadata(`validUntil="soon"`)} {
			refuse(w, w.CreateSAMLProvider, api.CreateSAMLProviderInput{Name: "x", SAMLMetadataDocument: bad}, "InvalidInput", "Could not parse metadata")
		}
		get := api.GetSAMLProviderInput{SAMLProviderArn: name}
		p := do(w, w.GetSAMLProvider, get)
		if *p.SAMLMetadataDocument != create.SAMLMetadataDocument || !p.ValidUntil.Equal(w.now.AddDate(100, 0, 0)) || !p.CreateDate.Equal(w.now) ||
			len(p.PrivateKeyList) != 1 || len(p.Tags) != 1 || len(*p.SAMLProviderUUID) != 22 {
			t.Errorf("got %+v", p)
		}
		update := api.UpdateSAMLProviderInput{SAMLProviderArn: name, SAMLMetadataDocument: new(metadata(`validUntil="2030-01-02T03:04:05Z"`)),
			AssertionEncryptionMode: api.AssertionEncryptionModeTypeRequired, AddPrivateKey: new(key)}
		do(w, w.UpdateSAMLProvider, update)
		refuse(w, w.UpdateSAMLProvider, update, "LimitExceeded", "Cannot exceed quota for PrivateKeysPerSAMLProvider: 2")
		refuse(w, w.UpdateSAMLProvider, api.UpdateSAMLProviderInput{SAMLProviderArn: name, AddPrivateKey: new("key")}, "InvalidInput", "The private key is not valid.")
		remove := api.UpdateSAMLProviderInput{SAMLProviderArn: name, RemovePrivateKey: p.PrivateKeyList[0].KeyId}
		do(w, w.UpdateSAMLProvider, remove)
		refuse(w, w.UpdateSAMLProvider, remove, "NoSuchEntity", "Private key "+*remove.RemovePrivateKey+" not found.")
		p = do(w, w.GetSAMLProvider, get)
		if until := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC); !p.ValidUntil.Equal(until) || p.AssertionEncryptionMode != "Required" ||
			len(p.PrivateKeyList) != 1 || *p.PrivateKeyList[0].KeyId == *remove.RemovePrivateKey {
			t.Errorf("updated %+v", p)
		}
		do(w, w.TagSAMLProvider, api.TagSAMLProviderInput{SAMLProviderArn: name, Tags: []api.Tag{{Key: "b", Value: "2"}}})
		do(w, w.UntagSAMLProvider, api.UntagSAMLProviderInput{SAMLProviderArn: name, TagKeys: []string{"a"}})
		if tags := do(w, w.ListSAMLProviderTags, api.ListSAMLProviderTagsInput{SAMLProviderArn: name}).Tags; fmt.Sprint(tags) != "[{b 2}]" {
			t.Errorf("tags %v", tags)
		}
		if all := do(w, w.ListSAMLProviders, api.ListSAMLProvidersInput{}).SAMLProviderList; len(all) != 1 || *all[0].Arn != name || all[0].ValidUntil.Year() != 2030 {
			t.Errorf("listed %v", all)
		}
		do(w, w.DeleteSAMLProvider, api.DeleteSAMLProviderInput{SAMLProviderArn: name})
		refuse(w, w.DeleteSAMLProvider, api.DeleteSAMLProviderInput{SAMLProviderArn: name}, "NoSuchEntity", "Manifest not found for arn "+name)
	})
}
