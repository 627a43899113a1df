// @ts-check
/// <reference types="xrm" />

/**
 * The account form: sections by customer type, and partner links that offer only what fits.
 */
var PartnerChannel = (function (/** @type {any} */ ns) {
  "use strict";

  var OF_CUSTOMERS = [
    "pch_channel_links",
    "pch_channel_customer_pipeline",
    "pch_channel_customer_deals",
    "pch_channel_customer_partners",
  ];
  var OF_PARTNERS = [
    "pch_channel_partner_pipeline",
    "pch_channel_partner_customers",
    "pch_channel_partner_contacts",
    "pch_channel_sales_deals",
    "pch_channel_production_deals",
  ];

  ns.account = {
    /**
     * @param {Xrm.Events.EventContext} context
     */
    onLoad: function (context) {
      ns.quietly(function () {
        var form = context.getFormContext();
        showSections(form);
        var type = form.getAttribute("pch_customertype");
        if (type) {
          type.addOnChange(function () {
            ns.quietly(function () {
              showSections(form);
            });
          });
        }
        if (ns.canEdit(form)) {
          filterLinks(form);
        }
      });
    },
  };

  /**
   * Show what belongs to the customer type.
   * @param {Xrm.FormContext} form
   */
  function showSections(form) {
    var attribute = form.getAttribute("pch_customertype");
    if (!attribute) {
      return;
    }
    var type = attribute.getValue();
    var isPartner = type === ns.TYPE.salesPartner || type === ns.TYPE.productionPartner;
    show(form, OF_CUSTOMERS, type === ns.TYPE.endCustomer);
    show(form, OF_PARTNERS, isPartner);
  }

  /**
   * @param {Xrm.FormContext} form
   * @param {string[]} names
   * @param {boolean} isVisible
   */
  function show(form, names, isVisible) {
    form.ui.tabs.forEach(function (tab) {
      names.forEach(function (name) {
        var section = tab.sections.get(name);
        if (section) {
          section.setVisible(isVisible);
        }
      });
    });
  }

  /**
   * Let each partner link offer active partners of its type that no other link names, and not the account itself.
   * @param {Xrm.FormContext} form
   */
  function filterLinks(form) {
    Object.keys(ns.ROLES).forEach(function (name) {
      var role = ns.ROLES[name];
      role.slots.forEach(function (/** @type {string} */ slot) {
        ns.eachLookup(form, slot, function (/** @type {Xrm.Controls.LookupControl} */ control) {
          control.addPreSearch(function () {
            ns.quietly(function () {
              control.addCustomFilter(ns.typeFilter(role.type, taken(form, slot)), "account");
            });
          });
        });
      });
    });
  }

  /**
   * List the partners that other links name, and the account itself.
   * @param {Xrm.FormContext} form
   * @param {string} slot
   * @returns {string[]}
   */
  function taken(form, slot) {
    var ids = [ns.bare(form.data.entity.getId())];
    Object.keys(ns.ROLES).forEach(function (name) {
      ns.ROLES[name].slots.forEach(function (/** @type {string} */ other) {
        var chosen = ns.chosen(form, other);
        if (other !== slot && chosen) {
          ids.push(chosen.id);
        }
      });
    });
    return ids;
  }

  return ns;
})(PartnerChannel || {});
