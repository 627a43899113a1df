// Definitions: tables, columns, relationships, choices, the model.

import assert from "node:assert/strict";
import { refusal, works } from "./ledger.mjs";

const NS = "Microsoft.Dynamics.CRM";
const label = (text) => ({
  "@odata.type": `${NS}.Label`,
  LocalizedLabels: [{ "@odata.type": `${NS}.LocalizedLabel`, Label: text, LanguageCode: 1033 }],
});
const text = (SchemaName, more = {}) => ({
  "@odata.type": `${NS}.StringAttributeMetadata`,
  SchemaName,
  DisplayName: label(SchemaName),
  RequiredLevel: { Value: "None", CanBeChanged: true },
  FormatName: { Value: "Text" },
  MaxLength: 100,
  ...more,
});

works("createEntity", async (at) => {
  at.table = await at.api.createEntity({
    data: {
      "@odata.type": `${NS}.EntityMetadata`,
      SchemaName: "new_Bank",
      DisplayName: label("Bank"),
      DisplayCollectionName: label("Banks"),
      Description: label("Where money is"),
      OwnershipType: "UserOwned",
      HasActivities: false,
      HasNotes: false,
      IsActivity: false,
      Attributes: [text("new_Name", { IsPrimaryName: true })],
    },
  });
  assert.match(at.table, /^[0-9a-f-]{36}$/);
});

works("retrieveEntity by id and by name, with columns", async (at) => {
  const byId = await at.api.retrieveEntity({ key: at.table, select: ["LogicalName", "EntitySetName"] });
  assert.deepEqual([byId.LogicalName, byId.EntitySetName], ["new_bank", "new_banks"]);
  const byName = await at.api.retrieveEntity({
    key: "LogicalName='new_bank'",
    select: ["SchemaName"],
    expand: [{ property: "Attributes", select: ["LogicalName"], filter: "LogicalName eq 'new_name'" }],
  });
  assert.equal(byName.Attributes.length, 1);
});

works("retrieveEntities with a filter", async (at) => {
  const found = await at.api.retrieveEntities({
    select: ["LogicalName"],
    filter: `OwnershipType eq ${NS}.OwnershipTypes'UserOwned' and IsCustomEntity eq true`,
  });
  assert.deepEqual(found.value.map((each) => each.LogicalName), ["new_bank"]);
});

works("updateEntity (PUT of the whole definition), labels merged", async (at) => {
  const table = await at.api.retrieveEntity({ key: at.table });
  table.DisplayName.LocalizedLabels[0].Label = "Savings bank";
  await at.api.updateEntity({ data: table, mergeLabels: true });
  const again = await at.api.retrieveEntity({ key: at.table, select: ["DisplayName"] });
  assert.equal(again.DisplayName.UserLocalizedLabel.Label, "Savings bank");
});

works("createAttribute, retrieveAttribute and updateAttribute", async (at) => {
  const attributeKey = await at.api.createAttribute({ entityKey: at.table, data: text("new_Iban") });
  const castType = `${NS}.StringAttributeMetadata`;
  const iban = await at.api.retrieveAttribute({ entityKey: at.table, attributeKey, castType });
  assert.equal(iban.MaxLength, 100);
  await at.api.updateAttribute({ entityKey: at.table, data: { ...iban, MaxLength: 34 }, castType, mergeLabels: true });
  const again = await at.api.retrieveAttribute({ entityKey: at.table, attributeKey: "LogicalName='new_iban'", castType });
  assert.equal(again.MaxLength, 34);
});

works("retrieveAttributes with a cast", async (at) => {
  const found = await at.api.retrieveAttributes({
    entityKey: "LogicalName='account'",
    castType: `${NS}.PicklistAttributeMetadata`,
    select: ["LogicalName"],
    filter: "LogicalName eq 'accountcategorycode'",
    expand: [{ property: "OptionSet", select: ["Options"] }],
  });
  assert.deepEqual(found.value[0].OptionSet.Options.map((each) => each.Value), [1, 2]);
});

works("createRelationship, retrieveRelationship, updateRelationship", async (at) => {
  const key = await at.api.createRelationship({
    data: {
      "@odata.type": `${NS}.OneToManyRelationshipMetadata`,
      SchemaName: "new_account_bank",
      ReferencedEntity: "account",
      ReferencingEntity: "new_bank",
      CascadeConfiguration: {
        Assign: "NoCascade", Delete: "RemoveLink", Merge: "NoCascade",
        Reparent: "NoCascade", Share: "NoCascade", Unshare: "NoCascade",
      },
      Lookup: {
        "@odata.type": `${NS}.LookupAttributeMetadata`,
        SchemaName: "new_OwnerId",
        DisplayName: label("Owner"),
        RequiredLevel: { Value: "None" },
      },
    },
  });
  at.relationship = key;
  const castType = `${NS}.OneToManyRelationshipMetadata`;
  const made = await at.api.retrieveRelationship({ key, castType });
  assert.equal(made.ReferencingAttribute, "new_ownerid");
  made.CascadeConfiguration.Delete = "Restrict";
  await at.api.updateRelationship({ data: made, castType, mergeLabels: true });
  const again = await at.api.retrieveRelationship({ key, castType });
  assert.equal(again.CascadeConfiguration.Delete, "Restrict");
  const data = { new_name: "N", "new_OwnerId@odata.bind": `/accounts(${at.account})` };
  const row = await at.api.create({ collection: "new_banks", data, returnRepresentation: true });
  assert.equal(row._new_ownerid_value, at.account);
});

works("retrieveRelationships with a cast and a filter, deleteRelationship", async (at) => {
  const request = {
    castType: `${NS}.OneToManyRelationshipMetadata`,
    select: ["SchemaName"],
    filter: "ReferencingEntity eq 'new_bank' and ReferencedEntity eq 'account'",
  };
  const before = await at.api.retrieveRelationships(request);
  assert.deepEqual(before.value.map((each) => each.SchemaName), ["new_account_bank"]);
  await at.api.deleteRelationship({ key: at.relationship });
  assert.deepEqual((await at.api.retrieveRelationships(request)).value, []);
});

works("createGlobalOptionSet, retrieve, update, delete", async (at) => {
  const key = await at.api.createGlobalOptionSet({
    data: {
      "@odata.type": `${NS}.OptionSetMetadata`,
      Name: "new_colours",
      DisplayName: label("Colours"),
      OptionSetType: "Picklist",
      Options: [{ Value: 10000, Label: label("Red") }, { Value: 10001, Label: label("Green") }],
    },
  });
  const castType = `${NS}.OptionSetMetadata`;
  const made = await at.api.retrieveGlobalOptionSet({ key, castType });
  assert.deepEqual(made.Options.map((each) => each.Value), [10000, 10001]);
  const byName = await at.api.retrieveGlobalOptionSet({ key: "Name='new_colours'", castType });
  assert.equal(byName.MetadataId, made.MetadataId);
  made.DisplayName.LocalizedLabels[0].Label = "Hues";
  await at.api.updateGlobalOptionSet({ data: made, castType, mergeLabels: true });
  const again = await at.api.retrieveGlobalOptionSet({ key, castType, select: ["DisplayName"] });
  assert.equal(again.DisplayName.UserLocalizedLabel.Label, "Hues");
  const all = await at.api.retrieveGlobalOptionSets({ castType, select: ["Name"] });
  assert.ok(all.value.some((each) => each.Name === "new_colours"));
  await at.api.deleteGlobalOptionSet({ key });
  assert.equal((await refusal(at.api.retrieveGlobalOptionSet({ key }))).status, 404);
});

works("retrieveCsdlMetadata", async (at) => {
  const model = await at.api.retrieveCsdlMetadata();
  assert.match(model, /<EntityType Name="new_bank"/);
});

works("logical names for collections (useEntityNames)", async (at) => {
  const api = at.make({ useEntityNames: true });
  const row = await api.retrieve({ collection: "account", key: at.account, select: ["name"] });
  assert.equal(row.name, "Contoso");
  assert.equal(api.Utility.getCollectionName("account"), "accounts");
});
