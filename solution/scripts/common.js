// @ts-check
/// <reference types="xrm" />

/**
 * What the scripts of all forms share: texts, ids, reading rows. One namespace; no script ever shows an error.
 */
var PartnerChannel = (function (/** @type {any} */ ns) {
  "use strict";

  /** The values of the choice pch_customertype. */
  ns.TYPE = { endCustomer: 737860000, salesPartner: 737860001, productionPartner: 737860002 };

  /**
   * The roles of a partner: its columns on a deal, its slots on a customer, its customer type.
   * @typedef {{ partner: string, contact: string, slots: string[], type: number, full: string }} Role
   * @type {Record<string, Role>}
   */
  ns.ROLES = {
    sales: {
      partner: "pch_salespartnerid",
      contact: "pch_salespartnercontactid",
      slots: ["pch_salespartner1id", "pch_salespartner2id"],
      type: ns.TYPE.salesPartner,
      full: "slots-full-sales",
    },
    production: {
      partner: "pch_productionpartnerid",
      contact: "pch_productionpartnercontactid",
      slots: ["pch_productionpartnerid"],
      type: ns.TYPE.productionPartner,
      full: "slots-full-production",
    },
  };

  /**
   * Give a text in the user's language; `{0}` in it stands for `value`.
   * @param {string} key
   * @param {string} [value]
   * @returns {string}
   */
  ns.text = function (key, value) {
    var found = "";
    try {
      found = Xrm.Utility.getResourceString("pch_/partnerchannel/texts", key) || key;
    } catch {
      found = key;
    }
    return found.replace("{0}", value || "");
  };

  /**
   * Write an id as the Web API does: no braces, small letters.
   * @param {string | null | undefined} id
   * @returns {string}
   */
  ns.bare = function (id) {
    return (id || "").replace(/[{}]/g, "").toLowerCase();
  };

  /**
   * Give the row that a lookup names, or null.
   * @param {Xrm.FormContext} form
   * @param {string} column
   * @returns {{ id: string, table: string, name: string } | null}
   */
  ns.chosen = function (form, column) {
    var attribute = /** @type {Xrm.Attributes.LookupAttribute | null} */ (form.getAttribute(column));
    var value = attribute && attribute.getValue();
    if (!value || !value.length) {
      return null;
    }
    return { id: ns.bare(value[0].id), table: value[0].entityType, name: value[0].name || "" };
  };

  /**
   * Say whether the user can change this form: neither read-only, disabled nor bulk edit.
   * @param {Xrm.FormContext} form
   * @returns {boolean}
   */
  ns.canEdit = function (form) {
    var type = form.ui.getFormType();
    return type === 1 || type === 2;
  };

  /**
   * Run a function for every control of a lookup column.
   * @param {Xrm.FormContext} form
   * @param {string} column
   * @param {(control: Xrm.Controls.LookupControl) => void} run
   */
  ns.eachLookup = function (form, column, run) {
    var attribute = form.getAttribute(column);
    if (attribute) {
      attribute.controls.forEach(function (control) {
        run(/** @type {Xrm.Controls.LookupControl} */ (/** @type {unknown} */ (control)));
      });
    }
  };

  /**
   * Find the account that a contact belongs to, or null.
   * @param {string} contactId
   * @returns {Promise<string | null>}
   */
  ns.accountOfContact = async function (contactId) {
    var contact = await Xrm.WebApi.retrieveRecord("contact", contactId, "?$select=_parentcustomerid_value");
    var table = contact["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"];
    return contact._parentcustomerid_value && table !== "contact" ? ns.bare(contact._parentcustomerid_value) : null;
  };

  /**
   * Write the filter that a partner lookup gets where nothing better is known: active accounts of the right type.
   * @param {number} type
   * @param {string[]} [except] ids that are not offered
   * @returns {string}
   */
  ns.typeFilter = function (type, except) {
    var rest = (except || []).filter(Boolean).map(function (id) {
      return '<condition attribute="accountid" operator="ne" value="' + id + '"/>';
    });
    return (
      '<filter type="and"><condition attribute="pch_customertype" operator="eq" value="' +
      type +
      '"/><condition attribute="statecode" operator="eq" value="0"/>' +
      rest.join("") +
      "</filter>"
    );
  };

  /**
   * Run what a form handler does; if it fails, the form goes on as if there were no script.
   * @param {() => unknown} run
   */
  ns.quietly = function (run) {
    try {
      Promise.resolve(run()).catch(ns.note);
    } catch (failure) {
      ns.note(failure);
    }
  };

  /**
   * Leave a trace for whoever looks into the browser's console.
   * @param {unknown} failure
   */
  ns.note = function (failure) {
    if (typeof console !== "undefined") {
      console.warn("PartnerChannel", failure);
    }
  };

  return ns;
})(PartnerChannel || {});
