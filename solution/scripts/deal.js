// @ts-check
/// <reference types="xrm" />

/**
 * Lead, opportunity, quote and order forms: whose deal it is decides which partners are offered.
 *
 * Nothing is cleared or checked when a form opens: a recorded deal keeps its partner. What the user changes, and only
 * that, can make a partner or a contact not fit; then it is cleared, and said so.
 */
var PartnerChannel = (function (/** @type {any} */ ns) {
  "use strict";

  /**
   * Where a deal's customer is looked for, in this order: an account, else the account of a contact, else the customer
   * of the opportunity.
   * @type {Record<string, { accounts: string[], contacts: string[], through: string, offersLink: boolean }>}
   */
  var CUSTOMER = {
    lead: { accounts: ["parentaccountid"], contacts: ["parentcontactid"], through: "", offersLink: true },
    opportunity: {
      accounts: ["parentaccountid", "customerid"],
      contacts: ["parentcontactid", "customerid"],
      through: "",
      offersLink: true,
    },
    quote: { accounts: ["customerid"], contacts: ["customerid"], through: "opportunityid", offersLink: false },
    salesorder: { accounts: ["customerid"], contacts: ["customerid"], through: "opportunityid", offersLink: false },
  };

  /**
   * What one open form knows: its customer, the partners linked to it by role, and which question was asked last.
   * `links` is null while they are not known: then partners are offered by type.
   * @typedef {{ form: Xrm.FormContext, table: string, customer: string | null,
   *             links: Record<string, string[]> | null, asked: number }} Deal
   */

  ns.deal = {
    /**
     * @param {Xrm.Events.EventContext} context
     */
    onLoad: function (context) {
      ns.quietly(function () {
        var form = context.getFormContext();
        var table = form.data.entity.getEntityName();
        if (!CUSTOMER[table] || !ns.canEdit(form)) {
          return undefined;
        }
        /** @type {Deal} */
        var deal = { form: form, table: table, customer: null, links: null, asked: 0 };
        listen(deal);
        return refresh(deal).then(function () {
          offerLinks(deal);
        });
      });
    },
  };

  /**
   * @param {Deal} deal
   */
  function listen(deal) {
    var where = CUSTOMER[deal.table];
    var columns = where.accounts.concat(where.contacts, where.through ? [where.through] : []);
    columns
      .filter(function (column, position) {
        return columns.indexOf(column) === position;
      })
      .forEach(function (column) {
        onChange(deal, column, function () {
          return customerChanged(deal);
        });
      });
    Object.keys(ns.ROLES).forEach(function (name) {
      onChange(deal, ns.ROLES[name].partner, function () {
        return partnerChanged(deal, name);
      });
      ns.eachLookup(deal.form, ns.ROLES[name].partner, function (/** @type {Xrm.Controls.LookupControl} */ control) {
        control.addPreSearch(function () {
          ns.quietly(function () {
            control.addCustomFilter(partnerFilter(deal, name), "account");
          });
        });
      });
    });
  }

  /**
   * @param {Deal} deal
   * @param {string} column
   * @param {() => Promise<void>} run
   */
  function onChange(deal, column, run) {
    var attribute = deal.form.getAttribute(column);
    if (attribute) {
      attribute.addOnChange(function () {
        ns.quietly(run);
      });
    }
  }

  // ------------------------------------------------------------ whose deal, and who may help

  /**
   * Find the account whose deal it is, or null.
   * @param {Xrm.FormContext} form
   * @param {string} table
   * @returns {Promise<string | null>}
   */
  async function findCustomer(form, table) {
    var where = CUSTOMER[table];
    var account = firstOf(form, where.accounts, "account");
    if (account) {
      return account;
    }
    var contact = firstOf(form, where.contacts, "contact");
    var found = contact ? await ns.accountOfContact(contact) : null;
    if (found || !where.through) {
      return found;
    }
    var opportunity = ns.chosen(form, where.through);
    return opportunity ? customerOfOpportunity(opportunity.id) : null;
  }

  /**
   * @param {Xrm.FormContext} form
   * @param {string[]} columns
   * @param {string} table
   * @returns {string | null}
   */
  function firstOf(form, columns, table) {
    for (var position = 0; position < columns.length; position += 1) {
      var chosen = ns.chosen(form, columns[position]);
      if (chosen && chosen.table === table) {
        return chosen.id;
      }
    }
    return null;
  }

  /**
   * @param {string} id
   * @returns {Promise<string | null>}
   */
  async function customerOfOpportunity(id) {
    var columns = "_parentaccountid_value,_customerid_value,_parentcontactid_value";
    var row = await Xrm.WebApi.retrieveRecord("opportunity", id, "?$select=" + columns);
    var kind = row["_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"];
    if (row._parentaccountid_value) {
      return ns.bare(row._parentaccountid_value);
    }
    if (row._customerid_value && kind === "account") {
      return ns.bare(row._customerid_value);
    }
    var contact = row._parentcontactid_value || (kind === "contact" ? row._customerid_value : null);
    return contact ? ns.accountOfContact(ns.bare(contact)) : null;
  }

  /**
   * Read the partners linked to a customer, by role.
   * @param {string} customer
   * @returns {Promise<Record<string, string[]>>}
   */
  async function readLinks(customer) {
    /** @type {string[]} */
    var slots = [];
    Object.keys(ns.ROLES).forEach(function (name) {
      slots = slots.concat(ns.ROLES[name].slots);
    });
    var select = slots.map(function (slot) {
      return "_" + slot + "_value";
    });
    var account = await Xrm.WebApi.retrieveRecord("account", customer, "?$select=" + select.join(","));
    /** @type {Record<string, string[]>} */
    var links = {};
    Object.keys(ns.ROLES).forEach(function (name) {
      links[name] = ns.ROLES[name].slots
        .map(function (/** @type {string} */ slot) {
          return ns.bare(account["_" + slot + "_value"]);
        })
        .filter(Boolean);
    });
    return links;
  }

  /**
   * Find out the customer and its links anew. An answer that comes after a later question is thrown away; one that does
   * not come leaves the partners to be offered by type.
   * @param {Deal} deal
   * @returns {Promise<boolean>} whether the links of a customer are known
   */
  async function refresh(deal) {
    deal.asked += 1;
    var question = deal.asked;
    deal.links = null;
    try {
      var customer = await findCustomer(deal.form, deal.table);
      var links = customer ? await readLinks(customer) : null;
      if (question !== deal.asked) {
        return false;
      }
      deal.customer = customer;
      deal.links = links;
      return links !== null;
    } catch (failure) {
      ns.note(failure);
      return false;
    }
  }

  /**
   * Write the filter of a partner lookup: the customer's partners; without a customer, or where its links are not known,
   * active partners of the type.
   * @param {Deal} deal
   * @param {string} name
   * @returns {string}
   */
  function partnerFilter(deal, name) {
    if (!deal.links) {
      return ns.typeFilter(ns.ROLES[name].type);
    }
    var ids = deal.links[name];
    if (!ids.length) {
      return '<filter type="and"><condition attribute="accountid" operator="null"/></filter>';
    }
    var values = ids.map(function (id) {
      return "<value>" + id + "</value>";
    });
    return (
      '<filter type="and"><condition attribute="accountid" operator="in">' + values.join("") + "</condition></filter>"
    );
  }

  // ------------------------------------------------------------ what the user changes

  /**
   * The user chose another customer: a partner that is not linked to it goes, and so does that partner's contact.
   * @param {Deal} deal
   * @returns {Promise<void>}
   */
  async function customerChanged(deal) {
    var isKnown = await refresh(deal);
    if (!isKnown || !deal.links) {
      return;
    }
    var links = deal.links;
    Object.keys(ns.ROLES).forEach(function (name) {
      var partner = ns.chosen(deal.form, ns.ROLES[name].partner);
      if (partner && links[name].indexOf(partner.id) < 0) {
        clear(deal, ns.ROLES[name].partner);
        clear(deal, ns.ROLES[name].contact);
        say(deal, "partner-cleared-" + name, ns.text("partner-cleared", partner.name));
      }
    });
    offerLinks(deal);
  }

  /**
   * The user chose another partner: a contact of somebody else goes.
   * @param {Deal} deal
   * @param {string} name
   * @returns {Promise<void>}
   */
  async function partnerChanged(deal, name) {
    var role = ns.ROLES[name];
    offerLink(deal, name);
    var contact = ns.chosen(deal.form, role.contact);
    if (!contact) {
      return;
    }
    var partner = ns.chosen(deal.form, role.partner);
    var company = null;
    try {
      company = partner ? await ns.accountOfContact(contact.id) : null;
    } catch (failure) {
      ns.note(failure);
    }
    var still = ns.chosen(deal.form, role.contact);
    var now = ns.chosen(deal.form, role.partner);
    var isForeign = !now || company !== now.id;
    if (still && still.id === contact.id && isForeign) {
      clear(deal, role.contact);
      say(deal, "contact-cleared-" + name, ns.text("contact-cleared", contact.name));
    }
  }

  /**
   * @param {Deal} deal
   * @param {string} column
   */
  function clear(deal, column) {
    var attribute = deal.form.getAttribute(column);
    if (attribute) {
      attribute.setValue(null);
    }
  }

  /**
   * @param {Deal} deal
   * @param {string} id
   * @param {string} text
   */
  function say(deal, id, text) {
    deal.form.ui.setFormNotification(text, "INFO", id);
  }

  // ------------------------------------------------------------ linking a partner to the customer

  /**
   * @param {Deal} deal
   */
  function offerLinks(deal) {
    Object.keys(ns.ROLES).forEach(function (name) {
      offerLink(deal, name);
    });
  }

  /**
   * Offer to link the deal's partner to its customer where it is not; take the offer back where it is.
   * @param {Deal} deal
   * @param {string} name
   */
  function offerLink(deal, name) {
    var role = ns.ROLES[name];
    var partner = ns.chosen(deal.form, role.partner);
    var isOffered =
      CUSTOMER[deal.table].offersLink && partner && deal.links && deal.links[name].indexOf(partner.id) < 0;
    ns.eachLookup(deal.form, role.partner, function (/** @type {Xrm.Controls.LookupControl} */ control) {
      control.clearNotification("link-" + name);
      if (isOffered && partner) {
        control.addNotification({
          uniqueId: "link-" + name,
          notificationLevel: "RECOMMENDATION",
          messages: [ns.text("not-linked", partner.name)],
          actions: [
            {
              message: ns.text("link-this-partner"),
              actions: [
                function () {
                  ns.quietly(function () {
                    return link(deal, name);
                  });
                },
              ],
            },
          ],
        });
      }
    });
  }

  /**
   * Fill a free slot of the customer with the deal's partner; say so if there is none.
   * @param {Deal} deal
   * @param {string} name
   * @returns {Promise<void>}
   */
  async function link(deal, name) {
    var role = ns.ROLES[name];
    var partner = ns.chosen(deal.form, role.partner);
    var customer = deal.customer;
    if (!partner || !customer) {
      return;
    }
    try {
      var select = role.slots.map(function (/** @type {string} */ slot) {
        return "_" + slot + "_value";
      });
      var account = await Xrm.WebApi.retrieveRecord("account", customer, "?$select=" + select.join(","));
      var isLinked = select.some(function (/** @type {string} */ column) {
        return ns.bare(account[column]) === partner.id;
      });
      var free = role.slots.filter(function (/** @type {string} */ slot) {
        return !account["_" + slot + "_value"];
      });
      if (!isLinked && !free.length) {
        say(deal, "link-" + name, ns.text(role.full));
        return;
      }
      if (!isLinked) {
        /** @type {Record<string, string>} */
        var change = {};
        change[free[0] + "@odata.bind"] = "/accounts(" + partner.id + ")";
        await Xrm.WebApi.updateRecord("account", customer, change);
      }
      await refresh(deal);
      offerLink(deal, name);
      say(deal, "link-" + name, ns.text("linked", partner.name));
    } catch (failure) {
      ns.note(failure);
      say(deal, "link-" + name, ns.text("link-failed"));
    }
  }

  return ns;
})(PartnerChannel || {});
