// @ts-check
/// <reference types="xrm" />

/**
 * The contact form: the tab "Partner channel" is for the people of partners.
 */
var PartnerChannel = (function (/** @type {any} */ ns) {
  "use strict";

  ns.contact = {
    /**
     * @param {Xrm.Events.EventContext} context
     */
    onLoad: function (context) {
      ns.quietly(function () {
        var form = context.getFormContext();
        var company = form.getAttribute("parentcustomerid");
        if (company) {
          company.addOnChange(function () {
            ns.quietly(function () {
              return showTab(form);
            });
          });
        }
        return showTab(form);
      });
    },
  };

  /**
   * Show the tab if the contact's company is a partner, or if that cannot be found out.
   * @param {Xrm.FormContext} form
   * @returns {Promise<void>}
   */
  async function showTab(form) {
    var tab = form.ui.tabs.get("pch_partnerchannel");
    if (!tab) {
      return;
    }
    var company = ns.chosen(form, "parentcustomerid");
    var isPartner = false;
    if (company && company.table === "account") {
      try {
        var account = await Xrm.WebApi.retrieveRecord("account", company.id, "?$select=pch_customertype");
        isPartner =
          account.pch_customertype === ns.TYPE.salesPartner || account.pch_customertype === ns.TYPE.productionPartner;
      } catch (failure) {
        ns.note(failure);
        isPartner = true;
      }
    }
    tab.setVisible(isPartner);
  }

  return ns;
})(PartnerChannel || {});
