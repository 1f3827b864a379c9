package history

// Labels are the messages that name values; fields have their own.
var Labels = map[string]string{
	"full_name": "name.full", "full_name_latin": "name.latin", "family_name": "name.family", "given_name": "name.given", "other_names": "name.other",
	"name": "group.name", "name_latin": "name.latin", "type": "group.type", "sex": "about.sex", "birth": "birth.label", "status": "record.status",
	"area_id": "area.label", "directions": "directions.label", "protected": "record.protected", "beneficiary": "group.served", "formed_on": "group.formed",
	"memberships": "record.membership", "relations": "record.relation", "members": "group.member", "identifiers": "record.identifier",
	"contacts": "record.contact", "tags": "record.tags",
}
